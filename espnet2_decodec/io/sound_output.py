"""Audio files written by libsndfile, with the errors of the file system that it ignores."""

import os
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile

from espnet2_decodec.atomic import atomic_write

SIGNAL_RETRY = 0.2
"""Seconds to wait for a signal that was lost in a callback, see `espnet2_decodec.program.stop_on_signals`."""


def write_wav(path: str | Path, samples: np.ndarray, sample_rate: int) -> None:
    """Write a 16-bit WAV file, which appears under its name when it is complete.

    Args:
        path: the file; missing folders are created.
        samples: [L], floats in -1..1; larger ones are clipped.
        sample_rate: in Hz.

    Raises:
        OSError: if it cannot be written.
    """
    with atomic_write(path) as temporary, closing(SoundOutput(temporary, sample_rate, "WAV", "PCM_16")) as file:
        file.write(samples)


class SoundOutput:
    """An audio file for writing; every error of writing is raised, also those at the end.

    Args:
        path: the file.
        sample_rate: in Hz.
        form: format of libsndfile.
        subtype: subtype of libsndfile.
        software: name of the program for the metadata; none if empty.
        comment: for the metadata; none if empty.

    Raises:
        ValueError: if the format has no such sample rate.
    """

    def __init__(self, path: Path, sample_rate: int, form: str, subtype: str, software: str = "", comment: str = ""):
        self._file = CheckedFile(path)
        try:
            self._sound = soundfile.SoundFile(self._file, "w", sample_rate, 1, subtype, format=form)
        except soundfile.LibsndfileError:
            self._file.close()
            self._file.check()
            raise ValueError(f"{subtype} has no sample rate of {sample_rate} Hz; write another format.") from None
        if software:
            self._sound.software = software
        if comment:
            self._sound.comment = comment

    def write(self, wav: np.ndarray) -> None:
        """Append samples [l].

        Raises:
            OSError: if they cannot be written, as the disk is full.
        """
        try:
            self._sound.write(wav)
        except (soundfile.LibsndfileError, AssertionError):
            self._file.check()
            time.sleep(SIGNAL_RETRY)  # the cause may be a signal within a callback, which is raised again
            raise
        self._file.check()

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError: if the rest of it cannot be written.
        """
        try:
            self._sound.close()
        except soundfile.LibsndfileError:
            self._file.check()
            raise
        finally:
            self._file.close()
        self._file.check()


class CheckedFile:
    """A file object that keeps the first error of writing: libsndfile calls it from C, where exceptions are lost."""

    def __init__(self, path: Path):
        self._file = open(path, "w+b", buffering=0)
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the first error."""
        if self._error is not None:
            raise self._error

    def write(self, data: bytes) -> int:
        """Write all bytes, and return their number, or 0 after an error."""
        rest = memoryview(data)
        try:
            while len(rest):
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._error = self._error or error
            return 0
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read bytes."""
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file; an error is kept."""
        try:
            self._file.close()
        except OSError as error:
            self._error = self._error or error
