"""Writing mono audio in blocks."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile
from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.io.errors import UnknownFormat

FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
"""Suffix -> libsndfile's format and subtype."""

_BLOCK = 2**14


class AudioWriter:
    """A mono audio file that is written block by block, and appears under its name when all went well.

    Use it in a `with` statement. Samples beyond -1..1 are clipped, and counted.

    Args:
        path: its suffix is the format, one of .wav .flac .ogg.
        sample_rate: Hz.
        rescale: make a file that would clip quieter as a whole, to a peak of 0.99. It then passes through a
            temporary file.

    Attributes:
        clipped: how many samples were beyond -1..1.
        peak: the largest absolute sample so far.
        samples: how many were written.

    Raises:
        UnknownFormat: if the suffix is another one.
    """

    def __init__(self, path: str | Path, sample_rate: int, rescale: bool = False):
        self.path, self.sample_rate, self.rescale = Path(path), sample_rate, rescale
        if self.path.suffix.lower() not in FORMATS:
            raise UnknownFormat(f"{path} cannot be written: the suffix must be one of {' '.join(FORMATS)}.")
        self.clipped, self.samples, self.peak = 0, 0, 0.0

    def __enter__(self) -> "AudioWriter":
        """Open the file, and a float draft if its gain is found at the end only."""
        self._stack = ExitStack()
        self._temporary = self._stack.enter_context(atomic_write(self.path))
        self._draft = self._temporary.with_suffix(".draft")
        self._file = self._create(self._draft, "WAV", "FLOAT") if self.rescale else self._final()
        return self

    def write(self, wav: Tensor | np.ndarray) -> None:
        """The next samples [l]."""
        wav = np.asarray(wav.detach().cpu() if isinstance(wav, Tensor) else wav, dtype=np.float32)
        if not len(wav):
            return
        self.peak = max(self.peak, float(np.abs(wav).max()))
        self.samples += len(wav)
        if not self.rescale:
            self.clipped += int((np.abs(wav) > 1).sum())
            wav = wav.clip(-1, 1)
        for start in range(0, len(wav), _BLOCK):
            self._file.write(wav[start : start + _BLOCK])

    def __exit__(self, kind, error, trace) -> bool | None:
        """Finish the file, or remove all traces of it after an error."""
        try:
            self._file.close()
            if kind is None and self.rescale:
                gain = 0.99 / self.peak if self.peak > 1 else 1.0
                with self._final() as file, soundfile.SoundFile(self._draft) as draft:
                    for block in draft.blocks(_BLOCK, dtype="float32"):
                        file.write(block * gain)
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        finally:
            self._draft.unlink(missing_ok=True)
        return self._stack.__exit__(kind, error, trace)

    def _final(self) -> soundfile.SoundFile:
        return self._create(self._temporary, *FORMATS[self.path.suffix.lower()])

    def _create(self, path: Path, form: str, subtype: str) -> soundfile.SoundFile:
        return soundfile.SoundFile(path, "w", self.sample_rate, 1, subtype, format=form)


def write(
    path: str | Path, blocks: Iterable[Tensor | np.ndarray], sample_rate: int, rescale: bool = False
) -> AudioWriter:
    """Write blocks of samples [l] to a file; returns the writer, for its counts. See `AudioWriter`."""
    with AudioWriter(path, sample_rate, rescale) as writer:
        for wav in blocks:
            writer.write(wav)
    return writer
