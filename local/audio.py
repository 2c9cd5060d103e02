"""Reading any recording as 16 kHz mono, cutting it, and writing 16-bit wav."""

import os
from pathlib import Path

import numpy as np
import soundfile

from local import g722

SAMPLE_RATE = 16000
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".g722")
MIN_SECONDS = 0.15
SILENCE_RMS = 1e-3  # full scale is 1: -60 dB
PIECE_SECONDS = 30.0


def read(path: Path) -> tuple[np.ndarray, int]:
    """One recording as it is stored, mixed down to mono.

    Returns:
        Samples ``[L]`` float32 in [-1, 1], and their rate in Hz.

    Raises:
        ValueError: The file cannot be read as audio.
    """
    if path.suffix.lower() == ".g722":
        return g722.decode(path), g722.SAMPLE_RATE
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"{path} cannot be read as audio: {error}") from error
    return samples.mean(axis=1), rate


def resample(samples: np.ndarray, rate: int, target: int = SAMPLE_RATE) -> np.ndarray:
    """``samples`` ``[L]`` at ``rate`` Hz as ``[round(L * target / rate)]`` at ``target`` Hz.

    Raises:
        ValueError: The rates differ and no resampler is installed.
    """
    if rate == target:
        return samples
    try:
        import soxr
    except ImportError as error:
        raise ValueError(f"Resampling {rate} Hz audio needs soxr: pip install soxr.") from error
    return soxr.resample(samples, rate, target, quality="VHQ")


def load(path: Path) -> np.ndarray:
    """Any recording as ``[L]`` float32 at 16 kHz, within [-1, 1].

    Raises:
        ValueError: The file cannot be read, or cannot be resampled.
    """
    samples, rate = read(path)
    return np.clip(resample(samples, rate), -1.0, 1.0).astype(np.float32)


def is_usable(samples: np.ndarray) -> bool:
    """Whether there is anything to hear: long enough and above -60 dB."""
    if len(samples) < MIN_SECONDS * SAMPLE_RATE:
        return False
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) >= SILENCE_RMS


def pieces(samples: np.ndarray, seconds: float = PIECE_SECONDS) -> list[np.ndarray]:
    """``samples`` ``[L]`` cut into equal parts of about ``seconds``; up to 1.5 times that stays whole."""
    count = max(1, round(len(samples) / (seconds * SAMPLE_RATE)))
    return np.array_split(samples, count)


def write(path: Path, samples: np.ndarray) -> None:
    """``samples`` ``[L]`` as 16-bit 16 kHz wav; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    soundfile.write(partial, samples, SAMPLE_RATE, subtype="PCM_16", format="WAV")
    partial.replace(path)
