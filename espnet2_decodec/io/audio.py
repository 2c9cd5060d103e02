"""Reading audio of any rate and any number of channels in blocks, as mono at the codec's rate."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from espnet2_decodec.io.errors import EmptyAudio, MissingFile, NotAudio, NotFiniteAudio, TruncatedFile

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64")
"""Of the files that are taken for audio in a folder."""


class AudioReader:
    """An audio file as blocks of samples; iterate over it as often as you like.

    Channels are averaged, and another sample rate is converted (soxr, high quality) while reading, so that
    memory does not grow with the length.

    Args:
        path: in any format of libsndfile.
        sample_rate: Hz of the blocks.
        block: samples read at a time, of the file's own rate.

    Attributes:
        seconds: duration of the file, as its header has it.
        note: what is converted, in words; None when nothing is.

    Raises:
        MissingFile, NotAudio, EmptyAudio, TruncatedFile: at once.
        NotFiniteAudio, TruncatedFile, NotAudio: while reading.
    """

    def __init__(self, path: str | Path, sample_rate: int, block: int = 2**16):
        self.path, self.sample_rate, self.block = Path(path), sample_rate, block
        if not self.path.is_file():
            raise MissingFile(f"{path} {'is a folder, not a file' if self.path.is_dir() else 'does not exist'}.")
        with self._open() as file:
            self.source_rate, self.channels, self.format = file.samplerate, file.channels, file.format
            self.source_frames = file.frames
        if self.source_frames == 0:
            raise EmptyAudio(f"{path} holds no samples.")
        self.seconds = self.source_frames / self.source_rate
        lacking = _bytes_lacking(self.path)
        if lacking:
            raise TruncatedFile(f"{path} is cut off: {lacking} bytes of the samples in its header are missing.")

    @property
    def note(self) -> str | None:
        """What is converted."""
        changes = []
        if self.channels > 1:
            changes.append(f"{self.channels} channels mixed down to one")
        if self.source_rate != self.sample_rate:
            changes.append(f"resampled from {self.source_rate} to {self.sample_rate} Hz")
        return ", ".join(changes) or None

    def __iter__(self) -> Iterator[Tensor]:
        """Blocks of samples [l], l >= 1, float32."""
        return map(torch.from_numpy, self._converted())

    def _converted(self) -> Iterator[np.ndarray]:
        """Mono blocks at the wanted rate: frames * rate / source rate samples, rounded, at least one."""
        if self.source_rate == self.sample_rate:
            yield from self._mono()
            return
        resampler = soxr.ResampleStream(self.source_rate, self.sample_rate, 1, dtype="float32", quality="HQ")
        read = given = 0
        for wav in self._mono():
            read += len(wav)
            out = resampler.resample_chunk(wav)
            given += len(out)
            if len(out):
                yield out
        rest = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        lacking = max(1, round(read * self.sample_rate / self.source_rate)) - given
        rest = np.pad(rest, (0, max(0, lacking - len(rest))))[: max(0, lacking)]
        if len(rest):
            yield rest

    def _mono(self) -> Iterator[np.ndarray]:
        """Mono blocks at the file's own rate."""
        read = 0
        with self._open() as file:
            while True:
                try:
                    wav = file.read(self.block, dtype="float32", always_2d=True).mean(axis=1)
                except soundfile.LibsndfileError as error:
                    raise TruncatedFile(f"{self.path} is damaged or cut off: {_said(error)}.") from None
                if not len(wav):
                    break
                if not np.isfinite(wav).all():
                    at = (read + int(np.argmin(np.isfinite(wav)))) / self.source_rate
                    raise NotFiniteAudio(
                        f"{self.path} has a sample that is not finite (NaN or infinite) at {at:.2f} s."
                    )
                read += len(wav)
                yield wav
        if read == 0:
            raise EmptyAudio(f"{self.path} holds no samples.")
        if read < self.source_frames and self.format != "MP3":
            raise TruncatedFile(f"{self.path} is cut off: {read} of {self.source_frames} frames could be read.")

    def _open(self) -> soundfile.SoundFile:
        with open(self.path, "rb") as file:
            if not file.read(1):
                raise EmptyAudio(f"{self.path} is an empty file.")
        try:
            return soundfile.SoundFile(self.path)
        except (soundfile.LibsndfileError, TypeError) as error:
            raise NotAudio(f"{self.path} is not audio that can be read: {_said(error)}.") from None


def read(path: str | Path, sample_rate: int) -> Tensor:
    """A whole file as mono samples [L], float32; see `AudioReader`."""
    return torch.cat(list(AudioReader(path, sample_rate)))


def _said(error: Exception) -> str:
    """The words of libsndfile."""
    words = getattr(error, "error_string", None) or str(error)
    return words.removeprefix("Error : ").strip().rstrip(".")


def _bytes_lacking(path: Path) -> int:
    """How many bytes of samples a WAV header promises that the file does not have.

    libsndfile reads such files to their end without a word. Sizes near 4 GB are what programs write that do
    not know the length yet, so they promise nothing.
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
