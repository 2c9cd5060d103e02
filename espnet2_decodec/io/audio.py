"""Reading and writing of mono audio in blocks, so that memory does not grow with the duration."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.io.errors import (
    AudioFormatError,
    EmptyAudioError,
    MissingFileError,
    NonFiniteAudioError,
    TruncatedFileError,
    UnknownSuffixError,
)

INPUT_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64")
"""Suffixes of the files in a folder that are read as audio."""

OUTPUT_FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
"""Suffix -> format and subtype of libsndfile."""

_WRITE_BLOCK = 2**14


class AudioReader:
    """An audio file as an iterable of mono blocks at a given sample rate; each iteration starts at the first sample.

    Channels are averaged, and other sample rates are converted while reading (soxr, high quality).

    Args:
        path: file in any format of libsndfile.
        sample_rate: of the blocks, in Hz.
        block: samples to read at a time, at the sample rate of the file.

    Attributes:
        seconds: duration of the file according to its header.
        source_rate: sample rate of the file in Hz.
        channels: number of channels of the file.

    Raises:
        MissingFileError, AudioFormatError, EmptyAudioError, TruncatedFileError: from the constructor.
        NonFiniteAudioError, TruncatedFileError, AudioFormatError: from the iteration.
    """

    def __init__(self, path: str | Path, sample_rate: int, block: int = 2**16):
        self.path, self.sample_rate, self.block = Path(path), sample_rate, block
        if not self.path.is_file():
            raise MissingFileError(f"{path} {'is a folder, not a file' if self.path.is_dir() else 'does not exist'}.")
        with self._open() as file:
            self.source_rate, self.channels, self.format = file.samplerate, file.channels, file.format
            self.source_frames = file.frames
        if self.source_frames == 0:
            raise EmptyAudioError(f"{path} has no samples.")
        self.seconds = self.source_frames / self.source_rate
        missing = _missing_wav_bytes(self.path)
        if missing:
            raise TruncatedFileError(f"{path} is cut off: {missing} bytes of the samples in its header are missing.")

    @property
    def conversion(self) -> str | None:
        """Description of the conversion to mono and to the sample rate, None if there is none."""
        changes = []
        if self.channels > 1:
            changes.append(f"{self.channels} channels mixed down to one")
        if self.source_rate != self.sample_rate:
            changes.append(f"resampled from {self.source_rate} to {self.sample_rate} Hz")
        return ", ".join(changes) or None

    def __iter__(self) -> Iterator[Tensor]:
        """Yield blocks of samples [l], l >= 1, float32."""
        blocks = self._mono() if self.source_rate == self.sample_rate else self._resampled()
        return map(torch.from_numpy, blocks)

    def _resampled(self) -> Iterator[np.ndarray]:
        """Yield mono blocks with max(1, round(frames * sample_rate / source_rate)) samples in total."""
        resampler = soxr.ResampleStream(self.source_rate, self.sample_rate, 1, dtype="float32", quality="HQ")
        frames = samples = 0
        for wav in self._mono():
            frames += len(wav)
            out = resampler.resample_chunk(wav)
            samples += len(out)
            if len(out):
                yield out
        rest = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        missing = max(0, max(1, round(frames * self.sample_rate / self.source_rate)) - samples)
        rest = np.pad(rest, (0, max(0, missing - len(rest))))[:missing]
        if len(rest):
            yield rest

    def _mono(self) -> Iterator[np.ndarray]:
        """Yield mono blocks at the sample rate of the file."""
        frames = 0
        with self._open() as file:
            while True:
                try:
                    wav = file.read(self.block, dtype="float32", always_2d=True).mean(axis=1)
                except soundfile.LibsndfileError as error:
                    raise TruncatedFileError(f"{self.path} is damaged or cut off: {_message(error)}.") from None
                if not len(wav):
                    break
                if not np.isfinite(wav).all():
                    seconds = (frames + int(np.argmin(np.isfinite(wav)))) / self.source_rate
                    raise NonFiniteAudioError(
                        f"{self.path} has a sample that is not finite (NaN or infinite) at {seconds:.2f} s."
                    )
                frames += len(wav)
                yield wav
        if frames == 0:
            raise EmptyAudioError(f"{self.path} has no samples.")
        if frames < self.source_frames and self.format != "MP3":
            raise TruncatedFileError(f"{self.path} is cut off: {frames} of {self.source_frames} frames could be read.")

    def _open(self) -> soundfile.SoundFile:
        with open(self.path, "rb") as file:
            if not file.read(1):
                raise EmptyAudioError(f"{self.path} is an empty file.")
        try:
            return soundfile.SoundFile(self.path)
        except (soundfile.LibsndfileError, TypeError) as error:
            raise AudioFormatError(f"{self.path} is not audio in a known format: {_message(error)}.") from None


class AudioWriter:
    """Context manager that writes a mono audio file block by block; the file appears under its name on success.

    Samples beyond -1..1 are clipped and counted.

    Args:
        path: output file; its suffix, one of `OUTPUT_FORMATS`, is the format.
        sample_rate: in Hz.
        rescale: scale a file that would clip to a peak of 0.99. All samples then pass through a temporary file.

    Attributes:
        clipped: number of samples beyond -1..1.
        peak: largest absolute sample so far.
        samples: number of samples written.

    Raises:
        UnknownSuffixError: if the suffix is another one.
    """

    def __init__(self, path: str | Path, sample_rate: int, rescale: bool = False):
        self.path, self.sample_rate, self.rescale = Path(path), sample_rate, rescale
        if self.path.suffix.lower() not in OUTPUT_FORMATS:
            raise UnknownSuffixError(f"{path} cannot be written: the suffix must be one of {' '.join(OUTPUT_FORMATS)}.")
        self.clipped, self.samples, self.peak = 0, 0, 0.0

    def __enter__(self) -> "AudioWriter":
        """Open the file, or a temporary float file if the gain is known only at the end."""
        self._stack = ExitStack()
        self._temporary = self._stack.enter_context(atomic_write(self.path))
        self._unscaled = self._temporary.with_suffix(".unscaled")
        self._stack.callback(self._unscaled.unlink, missing_ok=True)
        file = self._create(self._unscaled, "WAV", "FLOAT") if self.rescale else self._create_output()
        self._file = self._stack.enter_context(file)
        return self

    def write(self, wav: Tensor | np.ndarray) -> None:
        """Append samples [l]."""
        wav = np.asarray(wav.detach().cpu() if isinstance(wav, Tensor) else wav, dtype=np.float32)
        if not len(wav):
            return
        self.peak = max(self.peak, float(np.abs(wav).max()))
        self.samples += len(wav)
        if not self.rescale:
            self.clipped += int((np.abs(wav) > 1).sum())
            wav = wav.clip(-1, 1)
        for start in range(0, len(wav), _WRITE_BLOCK):
            self._file.write(wav[start : start + _WRITE_BLOCK])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or delete the temporary files after an exception."""
        with self._stack:
            if error is not None:
                raise error
            if self.rescale:
                self._file.close()
                gain = 0.99 / self.peak if self.peak > 1 else 1.0
                with self._create_output() as file, soundfile.SoundFile(self._unscaled) as unscaled:
                    for block in unscaled.blocks(_WRITE_BLOCK, dtype="float32"):
                        file.write(block * gain)

    def _create_output(self) -> soundfile.SoundFile:
        return self._create(self._temporary, *OUTPUT_FORMATS[self.path.suffix.lower()])

    def _create(self, path: Path, form: str, subtype: str) -> soundfile.SoundFile:
        return soundfile.SoundFile(path, "w", self.sample_rate, 1, subtype, format=form)


def read(path: str | Path, sample_rate: int) -> Tensor:
    """Read a whole file as mono samples [L], float32; see `AudioReader`."""
    return torch.cat(list(AudioReader(path, sample_rate)))


def write(
    path: str | Path, blocks: Iterable[Tensor | np.ndarray], sample_rate: int, rescale: bool = False
) -> AudioWriter:
    """Write blocks of samples [l] to a file, and return the writer for its counts; see `AudioWriter`."""
    with AudioWriter(path, sample_rate, rescale) as writer:
        for wav in blocks:
            writer.write(wav)
    return writer


def _message(error: Exception) -> str:
    """Return the message of libsndfile without its prefix and full stop."""
    message = getattr(error, "error_string", None) or str(error)
    return message.removeprefix("Error : ").strip().rstrip(".")


def _missing_wav_bytes(path: Path) -> int:
    """Return how many bytes of samples the file lacks according to its WAV header; 0 for other formats.

    libsndfile reads such files without an error. Programs that write to a pipe, where the length is unknown, put a size
    near 4 GB there, which is ignored.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return 0
        while len(chunk := file.read(8)) == 8:
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                return 0 if length >= 0x7FFFF000 else max(0, file.tell() + length - size)
            file.seek(length + length % 2, 1)
    return 0
