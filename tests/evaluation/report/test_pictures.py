"""Spectrograms: PNG files that decode to what was drawn, and colours that tell levels apart."""

import struct
import zlib

import numpy as np
import pytest

from espnet2_decodec.evaluation.report.colors import colormap
from espnet2_decodec.evaluation.report.png import encode
from espnet2_decodec.evaluation.report.spectrogram import COLORS, HEIGHT, WIDEST, picture, spectrogram


def decode(png: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Indices [H, W] and palette [N, 3] of a PNG with a palette and no filters; checks every checksum."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", png, at + 8 + size)[0] == zlib.crc32(kind + data)
        chunks[kind], at = data, at + 12 + size
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 3, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)


def test_png_holds_the_picture():
    """Indices and palette come back; an index beyond the palette is refused."""
    image = np.random.default_rng(0).integers(0, 7, (5, 9)).astype(np.uint8)
    found, palette = decode(encode(image, colormap(7)))
    assert (found == image).all() and (palette == colormap(7)).all()
    with pytest.raises(ValueError, match="beyond the 3 colours"):
        encode(image, colormap(3))
    with pytest.raises(ValueError, match="with pixels in it"):
        encode(image[:0], colormap(7))


def test_pages_have_pictures_of_the_right_size(page):
    """As wide as their attribute says, 25 columns for 0.4 s."""
    for element in page.all("img")[:10]:
        image, palette = decode((page.folder / element[1]["src"]).read_bytes())
        assert image.shape == (HEIGHT, int(element[1]["width"])) == (HEIGHT, 25) and len(palette) == COLORS


@pytest.mark.parametrize("hertz", [500, 3000, 7500])
def test_a_tone_is_a_line_at_its_height(hertz):
    """0 Hz at the bottom, 8 kHz on top; a full sine is at 42 dB."""
    wav = np.sin(2 * np.pi * hertz * np.arange(16000) / 16000)
    found = spectrogram(wav)
    rows = found[:, 5:-5].argmax(axis=0)
    assert (np.abs(HEIGHT - 0.5 - rows - hertz / 8000 * HEIGHT) <= 1).all()
    assert abs(found[:, 5:-5].max() - 42) < 4


@pytest.mark.parametrize("samples", [1, 255, 256, 16000, 256 * WIDEST, 256 * WIDEST + 1, 1000000])
def test_any_length_fits(samples):
    """One column for 256 samples or several of them; never wider than a page shows."""
    found = spectrogram(np.ones(samples))
    assert found.shape[0] == HEIGHT and found.shape[1] <= WIDEST and np.isfinite(found).all()
    if samples <= 256 * WIDEST:
        assert found.shape[1] == -(-samples // 256)


def test_silence_is_dark_and_loudness_saturates():
    """The ends of the scale."""
    assert (decode(picture(spectrogram(np.zeros(1000)), 0))[0] == 0).all()
    assert (decode(picture(np.full((HEIGHT, 3), 10.0), 0))[0] == COLORS - 1).all()


def lightness(rgb: np.ndarray) -> np.ndarray:
    """CIELAB L of sRGB [N, 3] uint8."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, 903.3 * y)


def test_colours_grow_lighter_step_by_step():
    """So a print in grey tells the same."""
    levels = lightness(colormap(COLORS))
    assert (np.diff(levels) > 0).all() and levels[0] < 6 and levels[-1] > 95
