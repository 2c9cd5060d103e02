"""Download and unpack Debian packages without root, with package lists, cache and checksums of its own."""

import hashlib
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

from espnet2_decodec.atomic import write_text
from espnet2_decodec.progress import progress
from local.audio import SUFFIXES

KNOWN_CHECKSUMS = Path(__file__).with_name("sha256.txt")


def fetch(packages: list[str], downloads: Path) -> dict[str, Path]:
    """Download what is missing, verify it, and unpack the audio and the texts.

    Args:
        packages: Names of Debian packages.
        downloads: Kept between runs: ``debs/``, ``unpacked/``, ``apt/``, ``sha256.txt`` (of the downloaded files).

    Returns:
        The unpacked root of each package.

    Raises:
        ValueError: apt-get or dpkg-deb is missing, a package is not available, or a file differs from its checksum.
    """
    debs = downloads / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    missing = [name for name in packages if _find(name, debs) is None]
    if missing:
        _download(missing, debs, downloads / "apt")
    files = {name: path for name in packages if (path := _find(name, debs))}
    lost = [name for name in packages if name not in files]
    if lost:
        raise ValueError(f"apt-get wrote no file for {', '.join(lost)}: copy the .deb into {debs} and run again.")
    _verify(list(files.values()), downloads / "sha256.txt")
    roots = {name: downloads / "unpacked" / name for name in files}
    for name in progress(list(files), desc="unpacking", unit="packages"):
        _unpack(files[name], roots[name])
    return roots


def _find(package: str, debs: Path) -> Path | None:
    return max(debs.glob(f"{package}_*.deb"), default=None, key=lambda path: path.stat().st_mtime)


def _require(program: str, purpose: str) -> None:
    if not shutil.which(program):
        raise ValueError(
            f"{program}, which {purpose}, is not installed: use Debian or Ubuntu, or --size mini, or --size own."
        )


def _download(packages: list[str], debs: Path, state: Path) -> None:
    """Download packages one by one, and show the megabytes of each and of all."""
    _require("apt-get", "downloads the recordings")
    for folder in (state / "lists" / "partial", state / "cache" / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    lists, cache = (
        f"{key}={state.resolve() / name}" for key, name in (("Dir::State::lists", "lists"), ("Dir::Cache", "cache"))
    )
    command = ["apt-get", "-q", "-o", lists, "-o", cache]
    print("Updating the package lists", flush=True)
    _run([*command, "update"], debs)
    listed = _run([*command, "--print-uris", "download", *packages], debs)
    sizes = {
        file.split("_")[0]: int(size)
        for _, file, size, *_ in (line.split() for line in listed.splitlines() if line[:1] == "'")
    }
    total = sum(sizes.values())
    print(f"Downloading {len(packages)} packages, {total / 1e6:.0f} MB, to {debs}", flush=True)
    with progress(desc="download", total=total, unit="bytes", unit_scale=True) as bar:
        for number, name in enumerate(packages, start=1):
            before = bar.n
            bar.set_description_str(f"{name}, package {number} of {len(packages)}", refresh=False)
            process = subprocess.Popen(
                [*command, "download", name], cwd=debs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            while process.poll() is None:
                path = _find(name, debs)
                bar.update(before + (path.stat().st_size if path else 0) - bar.n)
                time.sleep(0.3)
            errors = process.communicate()[1]
            if process.returncode:
                raise ValueError(f"apt-get could not download {name}: {_error(errors)}")
            bar.update(before + sizes.get(name, 0) - bar.n)
            bar.write(f"{name}: {sizes.get(name, 0) / 1e6:.1f} MB ({bar.n / 1e6:.0f} of {total / 1e6:.0f} MB)")


def _run(command: list[str], folder: Path) -> str:
    """The output of apt-get."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"apt-get failed: {_error(done.stderr)}")
    return done.stdout


def _error(output: str) -> str:
    """The first error in what apt-get wrote to stderr."""
    return next((line for line in output.splitlines() if line.startswith("E:")), output.strip())


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_checksums(path: Path) -> dict[str, str]:
    """A file in the format of ``sha256sum``, as file name -> checksum; empty if it does not exist."""
    if not path.exists():
        return {}
    return {name: digest for digest, name in (line.split() for line in path.read_text().splitlines())}


def _verify(files: list[Path], record: Path) -> None:
    """Compare checksums with the known ones and with those of earlier runs in ``record``, and add new ones to it."""
    known = read_checksums(KNOWN_CHECKSUMS)
    expected = {**read_checksums(record), **known}
    found = {path.name: sha256(path) for path in progress(files, desc="checksums")}
    for path in files:
        if expected.get(path.name, found[path.name]) != found[path.name]:
            raise ValueError(f"The SHA-256 differs from the recorded one: remove {path} and run again.")
    for name in sorted(found.keys() - known.keys()):
        print(f"note: {name} is not the version on which the published results were measured.")
    merged = {**read_checksums(record), **found}
    write_text(record, "".join(f"{merged[name]}  {name}\n" for name in sorted(merged)))


def _unpack(deb: Path, root: Path) -> None:
    """Unpack audio, texts and licenses of ``deb`` below ``root``; links, which duplicate other files, are skipped."""
    done = root / ".unpacked"
    if done.exists() and done.read_text() == deb.name:
        return
    _require("dpkg-deb", "unpacks the recordings")
    shutil.rmtree(root, ignore_errors=True)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                source = archive.extractfile(member) if member.isfile() and _is_wanted(member.name) else None
                if source:
                    target = root / member.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(source.read())
    if process.returncode:
        raise ValueError(f"{deb} cannot be unpacked: remove it and run again.")
    done.write_text(deb.name)


def _is_wanted(name: str) -> bool:
    if ".." in Path(name).parts:
        return False
    return name.lower().endswith((*SUFFIXES, ".txt", ".txt.gz", ".data")) or name.endswith("/copyright")
