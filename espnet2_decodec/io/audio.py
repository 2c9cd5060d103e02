"""Reading and writing of mono audio in blocks, so that memory does not grow with the duration."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from espnet2_decodec.atomic import atomic_write, is_stream
from espnet2_decodec.codec.validation import MAX_SAMPLE
from espnet2_decodec.io.aac_output import AacOutput
from espnet2_decodec.io.containers import inspect
from espnet2_decodec.io.decoders import AudioStream, DecodingError
from espnet2_decodec.io.errors import (
    AudioFormatError,
    AudioLevelError,
    EmptyAudioError,
    NonFiniteAudioError,
    TruncatedFileError,
    UnknownSuffixError,
)
from espnet2_decodec.io.pipes import SpooledInput
from espnet2_decodec.io.sound_output import SoundOutput

INPUT_SUFFIXES = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64",
    ".m4a", ".mp4", ".m4b", ".aac", ".wma", ".webm", ".mka", ".mkv", ".mov", ".amr", ".ac3", ".mp2", ".spx", ".wv",
    ".sph", ".nist", ".voc", ".avr", ".tta", ".ape", ".eac3", ".3gp", ".flv", ".avi",
    ".asf", ".wmv", ".rm", ".ra", ".mpg", ".mpeg", ".vob", ".dts", ".dsf", ".sbc", ".bwf",
)  # fmt: skip
"""Suffixes of the files in a folder that are read as audio."""

OUTPUT_FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".m4a": ("M4A", "AAC"),
}
"""Suffix -> format and subtype of libsndfile; M4A is written by FFmpeg."""

SOFTWARE = "espnet2_decodec"
"""Name of the program in the metadata of compressed files."""

CANCELLED = 0.01
"""Power of the mean of the channels, relative to that of independent channels, below which they cancel each other."""

_WRITE_BLOCK = 2**14
_SMALL_BLOCK = 2**10


class AudioReader:
    """Audio as an iterable of mono blocks at a given sample rate; each iteration starts at the first sample.

    Channels are averaged, and other sample rates are converted while reading (soxr, high quality). All recordings in a
    file are read, where several were joined. A pipe is copied to a temporary file first.

    Args:
        path: file in any format of libsndfile or FFmpeg, also a pipe; `-` is the standard input.
        sample_rate: of the blocks, in Hz; None for that of the file.
        block: samples to read at a time, at the sample rate of the file.

    Attributes:
        seconds: duration of the first recording in the file according to its header, 0 if unknown.
        source_rate: sample rate of the file in Hz.
        channels: number of channels of the file.
        frames: number of samples of each channel, None where the headers do not state it.
        is_seekable: whether libsndfile reads the file from any position on.
        cancels: whether the channels cancel each other in the samples of the last iteration, as where one is inverted.

    Raises:
        MissingFileError, AudioFormatError, EmptyAudioError, TruncatedFileError: from the constructor.
        NonFiniteAudioError, AudioLevelError, EmptyAudioError, TruncatedFileError: from the iteration.
    """

    def __init__(self, path: str | Path, sample_rate: int | None = None, block: int = 2**16):
        self.path, self.block = Path(path), block
        self._spooled = SpooledInput(path)
        source = self._spooled.path
        if source.stat().st_size == 0:
            raise EmptyAudioError(f"{path} is an empty file.")
        layout = inspect(source)
        try:
            self._stream = AudioStream(source, layout)
        except DecodingError as error:
            if layout.problem:
                raise _truncated(path, layout.problem, 0.0) from None
            raise AudioFormatError(f"{path} is not audio in a known format: {error}.") from None
        self.source_rate, self.channels = self._stream.sample_rate, self._stream.channels
        self.seconds, self.frames, self.is_seekable = (
            self._stream.seconds, self._stream.frames, self._stream.is_seekable
        )  # fmt: skip
        self.sample_rate, self.cancels = sample_rate or self.source_rate, False
        if layout.problem:
            raise _truncated(path, layout.problem, self._readable_seconds())
        if self._stream.frames == 0:
            raise EmptyAudioError(f"{path} has no samples.")

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
        for rate, blocks in groupby(self._mono(), key=itemgetter(0)):
            wavs = (wav for _, wav in blocks)
            yield from map(torch.from_numpy, wavs if rate == self.sample_rate else self._resampled(wavs, rate))

    def _resampled(self, wavs: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
        """Yield mono blocks with max(1, round(frames * sample_rate / rate)) samples in total."""
        resampler = soxr.ResampleStream(rate, self.sample_rate, 1, dtype="float32", quality="HQ")
        frames = samples = 0
        for wav in wavs:
            frames += len(wav)
            out = resampler.resample_chunk(wav)
            samples += len(out)
            if len(out):
                yield out
        rest = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        missing = max(0, max(1, round(frames * self.sample_rate / rate)) - samples)
        rest = np.pad(rest, (0, max(0, missing - len(rest))))[:missing]
        if len(rest):
            yield rest

    def _mono(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the sample rate and mono blocks as they are in the file."""
        seconds = mixed = unmixed = 0.0
        try:
            for rate, samples in self._stream.blocks(self.block):
                with np.errstate(invalid="ignore", over="ignore"):  # samples that are not finite are refused below
                    wav = samples.mean(axis=1)
                check_samples(self.path, wav, rate, seconds)
                mixed += float(np.square(wav, dtype=np.float64).sum())
                unmixed += float(np.square(samples, dtype=np.float64).mean()) * len(wav) / samples.shape[1]
                seconds += len(wav) / rate
                yield rate, wav
        except DecodingError as error:
            raise _truncated(self.path, str(error), self._readable_seconds()) from None
        if seconds == 0:
            raise EmptyAudioError(f"{self.path} has no samples.")
        self.cancels = mixed < CANCELLED * unmixed

    def _readable_seconds(self) -> float:
        """Return how much of a damaged file can be decoded."""
        seconds = 0.0
        with suppress(DecodingError):
            for rate, samples in self._stream.blocks(_SMALL_BLOCK):
                seconds += len(samples) / rate
        return seconds


class AudioWriter:
    """Context manager that writes a mono audio file block by block; the file appears under its name on success.

    Samples beyond -1..1 are clipped and counted.

    Args:
        path: output file; its suffix, one of `OUTPUT_FORMATS`, is the format. `-` is the standard output, to which, as
            to any pipe, WAV is written.
        sample_rate: in Hz.
        rescale: scale a file that would clip to a peak of 0.99. All samples then pass through a temporary file.
        comment: for the metadata.

    Attributes:
        clipped: number of samples beyond -1..1.
        peak: largest absolute sample so far.
        samples: number of samples written.

    Raises:
        UnknownSuffixError: if the suffix is another one.
    """

    def __init__(self, path: str | Path, sample_rate: int, rescale: bool = False, comment: str = ""):
        self.path, self.sample_rate, self.rescale, self.comment = Path(path), sample_rate, rescale, comment
        check_suffix(path)
        self.clipped, self.samples, self.peak = 0, 0, 0.0
        self._peers: Sequence[AudioWriter] = [self]

    def __enter__(self) -> "AudioWriter":
        """Open the file, or a temporary float file if the gain is known only at the end."""
        with ExitStack() as stack:
            self._temporary = stack.enter_context(atomic_write(self.path))
            self._unscaled = self._temporary.with_suffix(".unscaled.tmp")
            stack.callback(self._unscaled.unlink, missing_ok=True)
            self._file: SoundOutput | AacOutput
            if self.rescale:
                self._file = SoundOutput(self._unscaled, self.sample_rate, "WAV", "FLOAT")
            else:
                self._file = self._create_output()
            stack.enter_context(closing(self._file))
            self._stack = stack.pop_all()
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
                with (
                    closing(self._create_output()) as file,
                    soundfile.SoundFile(os.fsencode(self._unscaled)) as unscaled,
                ):
                    for block in unscaled.blocks(_WRITE_BLOCK, dtype="float32"):
                        file.write(block * self.gain)

    @property
    def gain(self) -> float:
        """Factor that `rescale` applies to the samples, see also `share_gain`."""
        peak = max(writer.peak for writer in self._peers)
        return 0.99 / peak if self.rescale and peak > 1 else 1.0

    def _create_output(self) -> SoundOutput | AacOutput:
        form, subtype = OUTPUT_FORMATS.get(self.path.suffix.lower(), OUTPUT_FORMATS[".wav"])
        if subtype == "AAC":
            return AacOutput(self._temporary, self.sample_rate, self.comment or SOFTWARE)
        software = "" if form == "WAV" else SOFTWARE
        return SoundOutput(self._temporary, self.sample_rate, form, subtype, software, self.comment)


def share_gain(writers: Iterable[AudioWriter]) -> None:
    """Let files that belong together, such as stems, have the gain of the loudest one, so that their sums stay right.

    All samples have to be written before the first file is closed.
    """
    peers = list(writers)
    for writer in peers:
        writer._peers = peers


def read(path: str | Path, sample_rate: int | None = None) -> Tensor:
    """Read a whole file as mono samples [L], float32; see `AudioReader`."""
    return torch.cat(list(AudioReader(path, sample_rate)))


def write(
    path: str | Path,
    blocks: Iterable[Tensor | np.ndarray],
    sample_rate: int,
    rescale: bool = False,
    comment: str = "",
) -> AudioWriter:
    """Write blocks of samples [l] to a file, and return the writer for its counts; see `AudioWriter`."""
    with AudioWriter(path, sample_rate, rescale, comment) as writer:
        for wav in blocks:
            writer.write(wav)
    return writer


def check_suffix(path: str | Path) -> None:
    """Check that an output, which may also be a stream, has a suffix of `OUTPUT_FORMATS`.

    Raises:
        UnknownSuffixError: if not.
    """
    if not is_stream(path) and Path(path).suffix.lower() not in OUTPUT_FORMATS:
        raise UnknownSuffixError(f"{path} cannot be written: the suffix must be one of {' '.join(OUTPUT_FORMATS)}.")


def check_samples(path: str | Path, wav: np.ndarray, sample_rate: int, start: float = 0.0) -> None:
    """Check that samples are finite and not far beyond full scale.

    Args:
        path: file of the samples.
        wav: samples [l], l >= 1.
        sample_rate: in Hz.
        start: seconds of the file before these samples.

    Raises:
        NonFiniteAudioError, AudioLevelError: if they are not.
    """
    finite = np.isfinite(wav)
    if not finite.all():
        seconds = start + int(np.argmin(finite)) / sample_rate
        raise NonFiniteAudioError(f"{path} has a sample that is not finite (NaN or infinite) at {seconds:.2f} s.")
    peak = float(np.abs(wav).max())
    if peak > MAX_SAMPLE:
        raise AudioLevelError(
            f"{path} has samples up to {peak:g}, far beyond full scale, which is 1: scale it first "
            "(integers stored as floats are divided by 32768)."
        )


def _truncated(path: str | Path, problem: str, seconds: float) -> TruncatedFileError:
    return TruncatedFileError(f"{path} is cut off or damaged: {problem}; {seconds:.2f} s of it could be read.")
