"""One module a corpus family: PACKAGES are Debian names, recordings(roots) says what to use of them."""

import re
from collections.abc import Iterator
from pathlib import Path

from local.audio import SUFFIXES


def audio_files(folder: Path, skip: str = "") -> Iterator[tuple[Path, str]]:
    """Every audio file below ``folder``, sorted, with its relative name without suffix.

    Args:
        folder: Where to look.
        skip: Regular expression, searched in the relative name; what it finds is left out.

    Raises:
        ValueError: ``folder`` is not there.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not there: the package has changed its layout.")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not (skip and re.search(skip, name)):
            yield path, name
