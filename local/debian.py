"""Fetching and unpacking Debian packages without root: own lists, own cache, checked SHA-256."""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

from local.audio import SUFFIXES

KNOWN = Path(__file__).with_name("sha256.txt")


def fetch(packages: list[str], downloads: Path) -> dict[str, Path]:
    """Download what is missing, check it, and unpack the audio and the texts.

    Args:
        packages: Names of Debian packages.
        downloads: Kept between runs: ``debs/``, ``unpacked/``, ``apt/``, ``sha256.txt`` (what was fetched).

    Returns:
        The unpacked root of each package.

    Raises:
        ValueError: No apt-get or dpkg-deb, a package that cannot be had, or a file unlike the recorded one.
    """
    debs = downloads / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    missing = [name for name in packages if _find(name, debs) is None]
    if missing:
        _download(missing, debs, downloads / "apt")
    files = {name: _find(name, debs) for name in packages}
    lost = [name for name, path in files.items() if path is None]
    if lost:
        raise ValueError(f"apt-get gave no file for {', '.join(lost)}; put the .deb into {debs} and run again.")
    _check_and_record([path for path in files.values() if path], downloads / "sha256.txt")
    return {name: _unpack(path, downloads / "unpacked" / name) for name, path in files.items() if path}


def _find(package: str, debs: Path) -> Path | None:
    return max(debs.glob(f"{package}_*.deb"), default=None, key=lambda path: path.stat().st_mtime)


def _need(program: str, purpose: str) -> None:
    if not shutil.which(program):
        raise ValueError(f"{program} is not there to {purpose}: use Debian or Ubuntu, or --size mini, or --size own.")


def _download(packages: list[str], debs: Path, state: Path) -> None:
    _need("apt-get", "fetch the recordings")
    for folder in (state / "lists" / "partial", state / "cache" / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    options = (
        "-q",
        "-o",
        f"Dir::State::lists={state.resolve() / 'lists'}",
        "-o",
        f"Dir::Cache={state.resolve() / 'cache'}",
    )
    for command in (["update"], ["download", *packages]):
        done = subprocess.run(["apt-get", *options, *command], cwd=debs, capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [done.stderr.strip()]
            raise ValueError(f"apt-get {command[0]} failed: {said[0]}")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_sums(path: Path) -> dict[str, str]:
    """A file as ``sha256sum`` writes it: file name -> sum; empty where there is none."""
    if not path.exists():
        return {}
    return {name: digest for digest, name in (line.split() for line in path.read_text().splitlines())}


def _check_and_record(files: list[Path], record: Path) -> None:
    expected = {**read_sums(record), **read_sums(KNOWN)}
    sums = {path.name: sha256(path) for path in files}
    for path in files:
        if expected.get(path.name, sums[path.name]) != sums[path.name]:
            raise ValueError(f"{path} is not the file that was recorded (SHA-256 differs): remove it and run again.")
    for name in sorted(sums.keys() - read_sums(KNOWN).keys()):
        print(f"note: {name} is another version than the one our figures were measured on.")
    merged = {**read_sums(record), **sums}
    record.write_text("".join(f"{merged[name]}  {name}\n" for name in sorted(merged)))


def _unpack(deb: Path, root: Path) -> Path:
    """Audio, texts and licences of ``deb`` below ``root``; links are left out, they repeat other files."""
    done = root / ".unpacked"
    if done.exists() and done.read_text() == deb.name:
        return root
    _need("dpkg-deb", "unpack the recordings")
    shutil.rmtree(root, ignore_errors=True)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                source = archive.extractfile(member) if member.isfile() and _wanted(member.name) else None
                if source:
                    target = root / member.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(source.read())
    if process.returncode:
        raise ValueError(f"{deb} cannot be unpacked: remove it and run again.")
    done.write_text(deb.name)
    return root


def _wanted(name: str) -> bool:
    if ".." in Path(name).parts:
        return False
    return name.lower().endswith((*SUFFIXES, ".txt", ".txt.gz", ".data")) or name.endswith("/copyright")
