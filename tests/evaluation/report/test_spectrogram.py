"""Spectrograms: dB at the right frequencies, PNG images of the right size and range, and the figure of a separation."""

import io

import numpy as np
import pytest
from PIL import Image

from espnet2_decodec.evaluation.report.spectrogram import (
    IMAGE_HEIGHT,
    MAX_WIDTH,
    N_FFT,
    encode_png,
    image_width,
    save_figure,
    spectrogram,
)


def decode(png: bytes) -> np.ndarray:
    """Lightness [H, W] of an image, 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


def test_pages_have_images_of_the_right_size(page):
    """As wide as their attribute says, 25 columns for 0.4 s; in a palette, so that they are small."""
    for element in page.all("img", alt="Spectrogram: mixture, reference, rec0_0"):
        image = Image.open(page.folder / element[1]["src"])
        size = int(element[1]["width"]), int(element[1]["height"])
        assert image.size == size == (25, IMAGE_HEIGHT) and image.mode == "P"
        break
    else:
        raise AssertionError("There is no spectrogram.")


@pytest.mark.parametrize("hertz", [500, 3000, 7500])
def test_a_sine_is_a_line_at_its_frequency(hertz):
    """Also in the image, where 0 Hz is at the bottom; a full-scale sine is at 0 dB."""
    decibels = spectrogram(np.sin(2 * np.pi * hertz * np.arange(16000) / 16000))[:, 5:-5]
    assert (np.abs(decibels.argmax(axis=0) - hertz / 8000 * N_FFT / 2) <= 1).all()
    assert abs(decibels.max()) < 1
    rows = decode(encode_png(decibels, 0)).argmax(axis=0)
    assert (np.abs(IMAGE_HEIGHT - 0.5 - rows - hertz / 8000 * IMAGE_HEIGHT) <= 1).all()


@pytest.mark.parametrize("samples", [1, 255, 256, 16000, 256 * MAX_WIDTH, 256 * MAX_WIDTH + 1, 1000000])
def test_any_length_fits(samples):
    """One column for 256 samples or fewer; an image is never wider than a page shows."""
    decibels = spectrogram(np.ones(samples))
    assert decibels.shape == (N_FFT // 2, -(-samples // 256)) and np.isfinite(decibels).all()
    assert decode(encode_png(decibels, 0)).shape == (IMAGE_HEIGHT, min(decibels.shape[1], MAX_WIDTH))
    assert image_width(decibels) == min(decibels.shape[1], MAX_WIDTH)


def test_silence_is_dark_and_loudness_saturates():
    """The ends of the color scale, and its order in grayscale, so that a print without color shows the same."""
    assert (decode(encode_png(spectrogram(np.zeros(1000)), 0)) < 6).all()
    assert (decode(encode_png(np.full((N_FFT // 2, 3), 10.0), 0)) > 230).all()
    lightness = decode(encode_png(np.tile(np.linspace(-80, 0, 60), (N_FFT // 2, 1)), 0))[0].astype(int)
    assert (np.diff(lightness) >= 0).all()


def test_figure_of_a_separation(tmp_path):
    """The same signals give the same file; it is no larger than a repository should hold."""
    noise = np.random.default_rng(0).normal(size=48000) * 0.1
    for name in ("a.png", "b.png"):
        save_figure(tmp_path / name, {"mixture": noise, "speech": 0.5 * noise, "background": np.zeros(48000)})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").width > 900 and (tmp_path / "a.png").stat().st_size < 300_000
