"""Messages of the command on stderr, one line each, and progress in seconds of audio."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

from espnet2_decodec.program import one_line
from espnet2_decodec.progress import progress

Block = TypeVar("Block")

_quiet = False
_notes: set[str] = set()


def configure(quiet: bool) -> None:
    """Start a command: set whether notes and progress are suppressed."""
    global _quiet
    _quiet = quiet
    _notes.clear()


FAILURES = (ValueError, OSError, ImportError, RuntimeError, MemoryError, OverflowError)
"""Exceptions that are printed in one line. Those of libsndfile, FFmpeg and torch are RuntimeErrors, or one of these."""


def error(problem: Exception | str) -> None:
    """Print `decodec: error: ...`, as one line even if the exception has several."""
    _print(f"error: {describe(problem)}")


def describe(problem: Exception | str) -> str:
    """Return a message as one line."""
    return " ".join((problem if isinstance(problem, str) else one_line(problem)).split())


def printable(text: object) -> str:
    """Return a text in which bytes of names that are not UTF-8 are escaped, so that it can be printed."""
    return str(text).encode(errors="backslashreplace").decode()


def warn(text: str) -> None:
    """Print `decodec: warning: ...`."""
    _print(f"warning: {text}")


def note(text: str) -> None:
    """Print `decodec: note: ...`, once per command and only without --quiet."""
    if not _quiet and text not in _notes:
        _notes.add(text)
        _print(f"note: {text}")


def track_files(files: Sequence[Block], desc: str, unit: str = "files") -> Iterable[Block]:
    """Return the files of a command, or other units of its work, with a progress bar if there are several."""
    return progress(files, desc=desc, unit=unit) if len(files) > 1 and not _quiet else files


def track_seconds(
    blocks: Iterable[Block], seconds: float, desc: str, duration: Callable[[Block], float]
) -> Iterator[Block]:
    """Yield the blocks of one recording, with a progress bar in seconds of audio.

    Args:
        blocks: of the recording.
        seconds: duration of the recording.
        desc: label of the bar.
        duration: function that returns the seconds of a block.
    """
    if _quiet:
        yield from blocks
        return
    done, total = 0.0, max(1, round(seconds))
    with progress(desc=desc, total=total, unit="s") as bar:
        for block in blocks:
            yield block
            done += duration(block)
            bar.update(min(int(done), total) - bar.n)


def _print(text: str) -> None:
    """Write a line above the progress bars."""
    tqdm.write(f"decodec: {printable(text)}", file=sys.stderr)
