"""Where a recording sounds, and how loud it is there. Numpy, mono, [L]."""

import numpy as np

FRAME = 320
"""Samples of the frames that are looked at: 20 ms at 16 kHz."""

DEPTH = 1e-4
"""A frame sounds when its power is at least this share of the loudest frame's: 40 dB below it."""

SILENT = 1e-8
"""Power of a frame that is silent whatever the others are: -80 dB re full scale."""


def active_frames(wav: np.ndarray) -> np.ndarray:
    """[L] -> [ceil(L / FRAME)] bool: which frames sound. The last one is filled up with zeros."""
    power = _powers(wav)
    return power >= max(SILENT, DEPTH * power.max(initial=0.0))


def active_power(wav: np.ndarray) -> float:
    """Mean power of the frames that sound; 0.0 when none does."""
    active = active_frames(wav)
    return float(_powers(wav)[active].mean()) if active.any() else 0.0


def trim(wav: np.ndarray, margin: int = 2) -> np.ndarray:
    """[L] -> [L'] without the silence at both ends, but for `margin` frames; empty when all is silent."""
    sounding = np.flatnonzero(active_frames(wav))
    if not len(sounding):
        return wav[:0]
    return wav[max(0, sounding[0] - margin) * FRAME : (sounding[-1] + 1 + margin) * FRAME]


def _powers(wav: np.ndarray) -> np.ndarray:
    """Mean square of each frame."""
    padded = np.pad(wav.astype(np.float64), (0, -len(wav) % FRAME))
    return np.square(padded).reshape(-1, FRAME).mean(axis=1)
