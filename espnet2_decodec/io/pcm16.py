"""Samples as 16-bit integers."""

import numpy as np

FULL_SCALE = 32768


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """Samples in -1..1 of any shape -> int16, rounded; what is beyond full scale is clipped."""
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_pcm16(samples: np.ndarray) -> np.ndarray:
    """Samples as int16 of any shape -> float32 in -1..1."""
    return samples.astype(np.float32) / FULL_SCALE
