"""Reading any recording as 16 kHz mono, splitting it, and writing 16-bit wav files."""

import os
from pathlib import Path

import numpy as np
import soundfile
import torch

from espnet2_decodec.io.audio import INPUT_SUFFIXES, AudioReader, check_samples
from espnet2_decodec.io.errors import FileError
from espnet2_decodec.io.sound_output import write_wav
from local import g722

SAMPLE_RATE = 16000
SUFFIXES = (*INPUT_SUFFIXES, ".g722")
MIN_SECONDS = 0.15
MIN_RMS = 1e-3
"""-60 dB relative to full scale."""
CHUNK_SECONDS = 30.0


def read(
    path: Path, start: float = 0.0, seconds: float | None = None, channel: int | None = None
) -> tuple[np.ndarray, int]:
    """One recording, or a part of it, at its own sample rate.

    Args:
        path: The file.
        start: Seconds before the part.
        seconds: Duration of the part; None to the end.
        channel: From 0; None for the mean of all channels.

    Returns:
        Samples ``[L]`` float32 in [-1, 1], and the sample rate in Hz.

    Raises:
        ValueError: The file cannot be read as audio, or has no such part or channel.
    """
    if path.suffix.lower() == ".g722":
        return g722.decode(path), g722.SAMPLE_RATE
    try:
        reader = AudioReader(path)
        first = round(start * reader.source_rate)
        count = -1 if seconds is None else round(seconds * reader.source_rate)
        if channel is not None and channel >= reader.channels:
            raise ValueError(f"{path} has {reader.channels} channels, of which number {channel} is not one.")
        selects = channel is not None and reader.channels > 1
        if reader.is_seekable and reader.frames and (first or count >= 0 or selects):
            samples = _read_frames(path, first, count, channel)
        elif selects:
            raise ValueError(f"{path}: one of several channels cannot be read in this format.")
        else:
            samples = torch.cat(list(reader)).numpy()[first : None if count < 0 else first + count]
    except (FileError, OSError, soundfile.LibsndfileError) as error:
        raise ValueError(f"{path} cannot be read as audio: {error}") from error
    if not len(samples):
        raise ValueError(f"{path} has no samples at {start:g} s.")
    return samples, reader.source_rate


def _read_frames(path: Path, first: int, count: int, channel: int | None) -> np.ndarray:
    """``[count]`` samples of a channel, or of the mean of all, from a position on; -1 counts to the end."""
    with soundfile.SoundFile(os.fsencode(path)) as file:
        file.seek(min(first, file.frames))
        samples = file.read(count, dtype="float32", always_2d=True)
    wav = samples.mean(axis=1) if channel is None else samples[:, channel]
    if len(wav):
        check_samples(path, wav, file.samplerate, first / file.samplerate)
    return wav


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


def load(path: Path, start: float = 0.0, seconds: float | None = None, channel: int | None = None) -> np.ndarray:
    """Any recording, or a part of it, see :func:`read`, as ``[L]`` float32 at 16 kHz in [-1, 1].

    Raises:
        ValueError: The file cannot be read or resampled.
    """
    samples, rate = read(path, start, seconds, channel)
    return np.clip(resample(samples, rate), -1.0, 1.0).astype(np.float32)


def is_usable(samples: np.ndarray) -> bool:
    """Whether ``samples`` are at least :data:`MIN_SECONDS` long and not silent."""
    if len(samples) < MIN_SECONDS * SAMPLE_RATE:
        return False
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) >= MIN_RMS


def from_direct_sound(response: np.ndarray) -> np.ndarray:
    """A room impulse response ``[L]`` from its largest sample on, ``[L']``, without the end that is below -60 dB.

    Its first sample is the direct sound, scaled to 0.9; empty if ``response`` is silent.
    """
    peak = float(np.abs(response).max(initial=0.0))
    if peak < 1e-6:
        return response[:0]
    start = int(np.argmax(np.abs(response)))
    audible = np.flatnonzero(np.abs(response[start:]) >= 1e-3 * peak)
    return (0.9 / peak * response[start : start + int(audible[-1]) + 1]).astype(np.float32)


def split(samples: np.ndarray, seconds: float = CHUNK_SECONDS) -> list[np.ndarray]:
    """``samples`` ``[L]`` in equal chunks of about ``seconds``; up to 1.5 times that is one chunk."""
    count = max(1, round(len(samples) / (seconds * SAMPLE_RATE)))
    return np.array_split(samples, count)


def write(path: Path, samples: np.ndarray) -> None:
    """Write ``samples`` ``[L]`` as a 16-bit 16 kHz wav file, atomically."""
    write_wav(path, samples, SAMPLE_RATE)
