"""Atomic file writes."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STANDARD_OUTPUT = "-"


def is_stream(path: str | Path) -> bool:
    """Return whether a path is the standard output (`-`), a pipe or a device, which can only be written in one go."""
    path = Path(path)
    return str(path) == STANDARD_OUTPUT or (path.exists() and not path.is_file() and not path.is_dir())


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Context manager with a temporary path, renamed to `path` on success and deleted on an exception.

    Missing folders are created. What is written for a standard output, pipe or device is copied there on success.
    """
    path = Path(path)
    if is_stream(path):
        with _copy_to_stream(path) as temporary:
            yield temporary
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _copy_to_stream(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "output"
        yield temporary
        with open(temporary, "rb") as source:
            if str(path) == STANDARD_OUTPUT:
                shutil.copyfileobj(source, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with open(path, "wb") as target:
                    shutil.copyfileobj(source, target)
