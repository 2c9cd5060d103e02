"""Files below a folder: links to folders are followed, and nothing that could be input is left out silently."""

import mimetypes
import os
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

_DOCUMENTS = ("application/json", "application/pdf", "application/xml")
_TABLES = (".csv", ".tsv", ".yaml", ".yml", ".md", ".lab", ".textgrid", ".log")


@dataclass
class Files:
    """Content of a folder.

    Attributes:
        files: files with one of the suffixes, sorted.
        other: all other regular files, except texts, tables and images by their suffixes.
        problems: path and message of each folder that cannot be read, each broken link, and each matching entry that is
            not a regular file.
        excluded: folders that were left out by request.
    """

    files: list[Path] = field(default_factory=list)
    other: list[Path] = field(default_factory=list)
    problems: list[tuple[Path, str]] = field(default_factory=list)
    excluded: list[Path] = field(default_factory=list)


def find_files(folder: str | Path, suffixes: Collection[str], exclude: Iterable[str | Path] = ()) -> Files:
    """Find the files below a folder.

    Links to folders are followed, except to a folder that contains the link. Names that start with a dot are left out:
    hidden files and folders, and the `._` files of macOS.

    Args:
        folder: the folder.
        suffixes: lower-case suffixes of the files to find, such as `.wav` or `.speech.npy`.
        exclude: folders to leave out, such as that of the output; `folder` itself never is.
    """
    found = Files()
    unwanted = {os.path.realpath(path) for path in exclude} - {os.path.realpath(folder)}
    _search(Path(folder), tuple(suffixes), unwanted, frozenset(), found)
    found.files.sort()
    found.other.sort()
    return found


def suffix_counts(files: Iterable[Path]) -> str:
    """Describe files by their number and suffixes, such as `3 files (.m4a, .txt)`."""
    counts = Counter(path.suffix.lower() or "no suffix" for path in files)
    total = sum(counts.values())
    return f"{total} file{'s' if total > 1 else ''} ({', '.join(sorted(counts))})"


def _is_document(name: str) -> bool:
    """Return whether a suffix stands for a text, a table or an image."""
    kind = mimetypes.guess_type(name)[0] or ""
    return kind.startswith(("text/", "image/")) or kind in _DOCUMENTS or name.lower().endswith(_TABLES)


def _search(
    folder: Path, suffixes: tuple[str, ...], unwanted: set[str], parents: frozenset[tuple[int, int]], found: Files
) -> None:
    """Add what is in a folder to `found`; `parents` are device and inode of the folders that contain it."""
    try:
        status = os.stat(folder)
        identity = (status.st_dev, status.st_ino)
        if identity in parents:
            return
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        found.problems.append((folder, f"{folder} cannot be read: {error.strerror}."))
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError as error:
            found.problems.append((path, f"{path} cannot be read: {error.strerror}."))
            continue
        if is_folder:
            if unwanted and os.path.realpath(path) in unwanted:
                found.excluded.append(path)
            else:
                _search(path, suffixes, unwanted, parents | {identity}, found)
        elif is_file:
            if entry.name.lower().endswith(suffixes):
                found.files.append(path)
            elif not _is_document(entry.name):
                found.other.append(path)
        elif entry.is_symlink():
            found.problems.append((path, f"{path} is a broken link to {os.readlink(path)}."))
        elif entry.name.lower().endswith(suffixes):
            found.problems.append((path, f"{path} is not a regular file."))
