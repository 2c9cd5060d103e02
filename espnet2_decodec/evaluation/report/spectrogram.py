"""Log-power spectrograms: images for audio players, and a figure of a separated recording."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image

from espnet2_decodec.atomic import atomic_write

SAMPLE_RATE = 16000
N_FFT, HOP = 512, 256
IMAGE_HEIGHT = 128
"""Pixels from 0 to 8 kHz."""
MAX_WIDTH = 640
"""Pixels; a longer recording has several frames in a pixel."""
DYNAMIC_RANGE_DB = 80.0
COLORMAP = "magma"


def spectrogram(wav: np.ndarray) -> np.ndarray:
    """Power spectrogram in dB: samples [L] -> [N_FFT / 2, ceil(L / HOP)]; a full-scale sine is at 0 dB."""
    samples = torch.from_numpy(np.asarray(wav, dtype=np.float32))
    window = torch.hann_window(N_FFT)
    stft = torch.stft(samples, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True)
    magnitude = (stft[:-1, : -(-len(samples) // HOP)].abs() * 2 / window.sum()).numpy()
    return 20 * np.log10(magnitude + 1e-7)


def encode_png(decibels: np.ndarray, top_db: float) -> bytes:
    """Encode a spectrogram [F, T] as a PNG image, low frequencies at the bottom.

    Args:
        decibels: from `spectrogram`.
        top_db: level of the brightest color; `DYNAMIC_RANGE_DB` below it is the darkest.
    """
    colors = ScalarMappable(Normalize(top_db - DYNAMIC_RANGE_DB, top_db, clip=True), COLORMAP)
    image = Image.fromarray(colors.to_rgba(decibels[::-1], bytes=True)[..., :3])
    image = image.resize((image_width(decibels), IMAGE_HEIGHT), Image.Resampling.BOX)
    file = BytesIO()
    _quantize(image, 64).save(file, "PNG", optimize=True)
    return file.getvalue()


def image_width(decibels: np.ndarray) -> int:
    """Width in pixels of the image of a spectrogram [F, T]."""
    return min(decibels.shape[1], MAX_WIDTH)


def save_figure(path: str | Path, signals: Mapping[str, np.ndarray]) -> None:
    """Save a figure with one spectrogram per signal, side by side on common scales.

    Args:
        path: PNG file.
        signals: title -> samples [L] at `SAMPLE_RATE`.
    """
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(signals), sharey=True))
    spectrograms = {title: spectrogram(wav) for title, wav in signals.items()}
    top_db = max(decibels.max() for decibels in spectrograms.values())
    for axis, (title, decibels) in zip(axes, spectrograms.items()):
        extent = (0.0, decibels.shape[1] * HOP / SAMPLE_RATE, 0.0, SAMPLE_RATE / 2000)
        image = axis.imshow(
            decibels,
            cmap=COLORMAP,
            vmin=top_db - DYNAMIC_RANGE_DB,
            vmax=top_db,
            origin="lower",
            aspect="auto",
            extent=extent,
        )
        axis.set(title=title, xlabel="time (s)")
    axes[0].set_ylabel("frequency (kHz)")
    figure.colorbar(image, ax=axes, label="level (dB)")
    file = BytesIO()
    figure.savefig(file, dpi=110)
    with atomic_write(path) as temporary:
        _quantize(Image.open(file).convert("RGB"), 256).save(temporary, "PNG", optimize=True)


def _quantize(image: Image.Image, colors: int) -> Image.Image:
    """The image with a palette, which makes it several times smaller."""
    return image.quantize(colors, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
