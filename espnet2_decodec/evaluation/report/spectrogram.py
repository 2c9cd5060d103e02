"""Spectrograms as small pictures: 0 to 8 kHz from bottom to top, logarithmic magnitude as colour."""

import numpy as np

from espnet2_decodec.evaluation.report.colors import colormap
from espnet2_decodec.evaluation.report.png import encode

SAMPLE_RATE = 16000
WINDOW, HOP = 512, 256
HEIGHT = 128
"""Rows of a picture, two frequency bins each."""
WIDEST = 640
"""Columns of a picture at most; a longer recording has several frames to a column."""
RANGE = 80.0
"""dB from the darkest to the brightest colour."""
COLORS = 64


def spectrogram(wav: np.ndarray) -> np.ndarray:
    """[L] at 16 kHz -> power in dB [HEIGHT, columns], high frequencies first; at least one column."""
    frames = max(1, -(-len(wav) // HOP))
    together = -(-frames // WIDEST)
    columns = -(-frames // together)
    length = (columns * together - 1) * HOP + WINDOW
    padded = np.zeros(length, np.float64)
    padded[WINDOW // 2 - HOP // 2 :][: len(wav)] = wav[: length - (WINDOW // 2 - HOP // 2)]
    blocks = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(blocks * np.hanning(WINDOW + 1)[:-1])[:, :-1]) ** 2
    power = power.reshape(columns, together, HEIGHT, -1).mean(axis=(1, 3))
    return 10 * np.log10(power.T[::-1] + 1e-10)


def picture(decibel: np.ndarray, top: float) -> bytes:
    """A PNG of `spectrogram`; `top` dB and more is the brightest colour, RANGE below it and less the darkest."""
    share = np.clip(1 + (decibel - top) / RANGE, 0, 1)
    return encode(np.rint(share * (COLORS - 1)).astype(np.uint8), colormap(COLORS))
