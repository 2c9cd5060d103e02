"""Reading any recording as 16 kHz mono, splitting it, and writing 16-bit wav files."""

from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.io.audio import INPUT_SUFFIXES, AudioReader
from espnet2_decodec.io.errors import FileError
from espnet2_decodec.io.sound_output import write_wav
from local import g722

SAMPLE_RATE = 16000
SUFFIXES = (*INPUT_SUFFIXES, ".g722")
MIN_SECONDS = 0.15
MIN_RMS = 1e-3
"""-60 dB relative to full scale."""
CHUNK_SECONDS = 30.0


def read(path: Path) -> tuple[np.ndarray, int]:
    """One recording at its own sample rate, downmixed to mono.

    Returns:
        Samples ``[L]`` float32 in [-1, 1], and the sample rate in Hz.

    Raises:
        ValueError: The file cannot be read as audio.
    """
    if path.suffix.lower() == ".g722":
        return g722.decode(path), g722.SAMPLE_RATE
    try:
        reader = AudioReader(path)
        return torch.cat(list(reader)).numpy(), reader.source_rate
    except (FileError, OSError) as error:
        raise ValueError(f"{path} cannot be read as audio: {error}") from error


def resample(samples: np.ndarray, rate: int, target: int = SAMPLE_RATE) -> np.ndarray:
    """``samples`` ``[L]`` at ``rate`` Hz as ``[round(L * target / rate)]`` at ``target`` Hz.

    Raises:
        ValueError: The rates differ and soxr is not installed.
    """
    if rate == target:
        return samples
    try:
        import soxr
    except ImportError as error:
        raise ValueError(f"Resampling {rate} Hz audio needs soxr: pip install soxr.") from error
    return soxr.resample(samples, rate, target, quality="VHQ")


def load(path: Path) -> np.ndarray:
    """Any recording as ``[L]`` float32 at 16 kHz in [-1, 1].

    Raises:
        ValueError: The file cannot be read or resampled.
    """
    samples, rate = read(path)
    return np.clip(resample(samples, rate), -1.0, 1.0).astype(np.float32)


def is_usable(samples: np.ndarray) -> bool:
    """Whether ``samples`` are at least :data:`MIN_SECONDS` long and not silent."""
    if len(samples) < MIN_SECONDS * SAMPLE_RATE:
        return False
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) >= MIN_RMS


def split(samples: np.ndarray, seconds: float = CHUNK_SECONDS) -> list[np.ndarray]:
    """``samples`` ``[L]`` in equal chunks of about ``seconds``; up to 1.5 times that is one chunk."""
    count = max(1, round(len(samples) / (seconds * SAMPLE_RATE)))
    return np.array_split(samples, count)


def write(path: Path, samples: np.ndarray) -> None:
    """Write ``samples`` ``[L]`` as a 16-bit 16 kHz wav file, atomically."""
    write_wav(path, samples, SAMPLE_RATE)
