"""Atomic file writes, also to standard output and pipes."""

import hashlib
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STANDARD_OUTPUT = "-"
"""Path of the standard output."""

MAX_AGE = 24 * 3600.0
"""Seconds after which a temporary file of another machine counts as left behind."""

_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
_NAME = re.compile(r"\.decodec-[0-9a-f]{8}-([0-9a-f]{6})-(\d+)-(\d+)(\.[a-z]+)?\.tmp")
_cleaned: set[Path] = set()
_group: list[tuple[Path, Path]] | None = None
"""Finished temporary files and their paths within an `atomic_group`."""


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Context manager with a temporary path, renamed to `path` on success and deleted on an exception.

    Missing folders are created. The temporary file has a short name of constant length in the same folder; those that
    killed processes left there are deleted. A stream (see `is_stream`) gets the content of the temporary file at the
    end.

    Raises:
        OSError: if the file cannot be written; the error names `path`, not the temporary file.
    """
    path = Path(path)
    stream = is_stream(path)
    folder = Path(tempfile.gettempdir()) if stream else path.parent
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    temporary = folder / f".decodec-{digest}-{_HOST}-{os.getpid()}-{_start_time(os.getpid())}.tmp"
    deferred = False
    try:
        yield temporary
        if stream:
            _copy_to_stream(temporary, path)
        elif _group is not None:
            _group.append((temporary, path))
            deferred = True
        else:
            os.replace(temporary, path)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename not in (None, str(temporary), temporary):
            raise
        raise type(error)(error.errno, error.strerror or str(error), str(path)) from None
    finally:
        if not deferred:
            with suppress(OSError):
                temporary.unlink()


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 file by `atomic_write`; errors are those of it."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def atomic_group() -> Iterator[None]:
    """Context manager in which the files of `atomic_write` appear together at its end, or not at all."""
    global _group
    files: list[tuple[Path, Path]] = []
    _group = files
    try:
        yield
        for temporary, path in files:
            os.replace(temporary, path)
    finally:
        _group = None
        for temporary, _ in files:
            with suppress(OSError):
                temporary.unlink()


def is_stream(path: str | Path) -> bool:
    """Return whether an output is written to as it is, not replaced: `-`, a device such as /dev/stdout, or a pipe."""
    path = Path(path)
    if str(path) == STANDARD_OUTPUT or path.is_fifo() or path.is_char_device():
        return True
    return path.is_relative_to("/dev/fd") or path.is_relative_to("/proc") or str(path) in ("/dev/stdout", "/dev/stderr")


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that ended processes left in a folder; once for each folder and process."""
    folder = folder.absolute()
    if folder in _cleaned:
        return
    _cleaned.add(folder)
    with suppress(OSError):
        for entry in os.scandir(folder):
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            host, pid, started = match[1], int(match[2]), int(match[3])
            with suppress(OSError):
                ended = host == _HOST and (not _runs(pid) or _start_time(pid) != started)
                if ended or time.time() - entry.stat().st_mtime > MAX_AGE:
                    os.unlink(entry.path)


def _copy_to_stream(temporary: Path, path: Path) -> None:
    """Copy a finished file to a stream."""
    with open(temporary, "rb") as file:
        if str(path) in (STANDARD_OUTPUT, "/dev/stdout"):
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with open(path, "wb") as output:
                shutil.copyfileobj(file, output)


def _runs(pid: int) -> bool:
    """Return whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_time(pid: int) -> int:
    """Return when a process started, in ticks since the start of the machine; 0 where this is unknown."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0
