"""One module per corpus family: PACKAGES are Debian packages, recordings(roots) lists their recordings."""

import re
from collections.abc import Iterator
from pathlib import Path

from local.audio import SUFFIXES


def audio_files(folder: Path, skip: str = "") -> Iterator[tuple[Path, str]]:
    """Yield every audio file below ``folder``, sorted, with its relative name without suffix.

    Args:
        folder: Folder to search.
        skip: Regular expression; files whose relative name contains a match are skipped.

    Raises:
        ValueError: ``folder`` does not exist.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} does not exist: this version of the package has another layout.")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not (skip and re.search(skip, name)):
            yield path, name
