"""Download published corpora and unpack them: ``python -m local.download musan libritts:dev-clean --to downloads``.

An interrupted download is continued. Files are compared with their published MD5; where none is published, the SHA-256
of the first download is kept in sha256.txt, and compared in later runs.
"""

import hashlib
import tarfile
import time
import zipfile
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from espnet2_decodec.atomic import write_text
from espnet2_decodec.data.config import suggestion
from espnet2_decodec.program import ProgramParser, run_program, stop_on_signals
from espnet2_decodec.progress import progress
from local.archives import ARCHIVES, BY_HAND, Archive
from local.debian import read_checksums

TIMEOUT = 60.0
"""Seconds without data after which a connection is given up."""
TRIES = 5
PAUSE = 2.0
"""Seconds before the second try; it doubles with each further one."""
BLOCK = 1 << 20


def main(argv: list[str] | None = None) -> None:
    """Download, verify and unpack the corpora, and print the lines for db.sh."""
    parser = ProgramParser(prog="local/download.sh", description=__doc__)
    parser.add_argument(
        "corpora", nargs="+", metavar="CORPUS", help=f"{', '.join(ARCHIVES)}; CORPUS:PART,PART for parts"
    )
    parser.add_argument("--to", type=Path, default=Path("downloads"), help="folder (default: downloads)")
    parser.add_argument("--mirror", help="address of a folder that has the same files, in place of the publisher's")
    args = parser.parse_args(argv)
    wanted = {word: choose(word) for word in args.corpora}
    for word, archives in wanted.items():
        corpus = word.partition(":")[0]
        folder = args.to / corpus
        for archive in archives:
            url = f"{args.mirror.rstrip('/')}/{archive.name}" if args.mirror else archive.url
            done = folder / f".unpacked-{archive.name}"
            if not done.is_file():
                path = folder / archive.name
                fetch(url, path)
                verify(path, archive)
                unpack(path, folder)
                done.touch()
                path.unlink()
        print(f"{corpus.upper()}={folder.resolve()}")


def choose(word: str) -> list[Archive]:
    """The archives of ``CORPUS`` or ``CORPUS:PART,PART``.

    Raises:
        ValueError: There is no such corpus or part, or it is to be downloaded by hand.
    """
    name, _, parts = word.partition(":")
    if name in BY_HAND:
        raise ValueError(f"{name} cannot be downloaded here: follow {BY_HAND[name]}, and set {name.upper()} in db.sh.")
    if name not in ARCHIVES:
        raise ValueError(f"There is no corpus {name!r} to download. {suggestion(name, ARCHIVES)}")
    known = {archive.part: archive for archive in ARCHIVES[name]}
    for part in filter(None, parts.split(",")):
        if part not in known:
            raise ValueError(f"{name} has no part {part!r}. {suggestion(part, known)}")
    return [known[part] for part in filter(None, parts.split(","))] or list(known.values())


def fetch(url: str, path: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Download a file, from where an earlier download of it ended.

    Args:
        url: Its address.
        path: The file; until it is complete its name ends with ``.part``.
        wait: Waits the given seconds between two tries.

    Raises:
        ValueError: The server does not have it, or the connection was lost too often.
    """
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    for attempt in range(TRIES):
        try:
            if _continue(url, part):
                part.replace(path)
                return
            problem = "the connection ended early"
        except HTTPError as error:
            if error.code < 500:
                raise ValueError(f"{url} cannot be downloaded: {error.code} {error.reason}.") from None
            problem = f"{error.code} {error.reason}"
        except (OSError, HTTPException) as error:
            if isinstance(error, OSError) and error.filename:  # of the file, not of the connection
                raise
            problem = str(error)
        if attempt + 1 < TRIES:
            wait(PAUSE * 2**attempt)
    size = part.stat().st_size if part.is_file() else 0
    raise ValueError(
        f"{url} cannot be downloaded after {TRIES} tries: {problem}. {size / 1e6:.1f} MB are kept, from which the same "
        "command continues."
    )


def _continue(url: str, part: Path) -> bool:
    """Append what is missing; return whether the file is complete."""
    before = part.stat().st_size if part.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={before}-"} if before else {})
    try:
        response: HTTPResponse = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        size = (error.headers.get("Content-Range") or "").rpartition("/")[2]
        if error.code == 416 and size == str(before):  # nothing is missing
            return True
        if error.code == 416:
            part.unlink()
            return False
        raise
    with response:
        if response.status != 206:  # the server sends all of it
            before = 0
        length = response.headers.get("Content-Length")
        total = before + int(length) if length else None
        with (
            part.open("r+b" if before else "wb") as file,
            progress(desc=part.stem, total=total, unit="bytes", unit_scale=True, initial=before) as bar,
        ):
            file.seek(before)
            while block := response.read(BLOCK):
                file.write(block)
                bar.update(len(block))
            return total is None or file.tell() == total


def verify(path: Path, archive: Archive) -> None:
    """Compare a file with its published checksum, or else with that of an earlier download.

    Raises:
        ValueError: It differs; the file is removed.
    """
    kind = "md5" if archive.checksum else "sha256"
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    found, record = digest.hexdigest(), path.with_name("sha256.txt")
    known = read_checksums(record)
    expected = archive.checksum or known.get(path.name, found)
    if found != expected:
        path.unlink()
        raise ValueError(f"{path} had the {kind.upper()} {found} in place of {expected}, and was removed: run again.")
    if not archive.checksum:
        lines = (f"{value}  {name}\n" for name, value in sorted({**known, path.name: found}.items()))
        write_text(record, "".join(lines))
        print(f"note: no checksum of {path.name} is published; its SHA-256 is kept in {record}.")


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive; what would lie outside of the folder is refused.

    Raises:
        ValueError: It is damaged.
    """
    print(f"Unpacking {path}", flush=True)
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                packed.extractall(folder)
        else:
            with tarfile.open(path) as tar:
                tar.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} cannot be unpacked: {error}; remove it and run again.") from error


if __name__ == "__main__":
    stop_on_signals()
    run_program(main, "The same command continues.")
