"""Which file becomes which."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.io.errors import FileError, MissingFileError, UnknownSuffixError

_OTHER_AUDIO = (".mp3", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma", ".au", ".caf")


class OutputExistsError(FileError):
    """The output is there already."""


@dataclass(frozen=True)
class Job:
    """One input file and what is made of it.

    Attributes:
        source: the input.
        target: the output, or its stem where a command writes several files.
    """

    source: Path
    target: Path


def plan(
    inputs: Sequence[str],
    output: str,
    endings: Sequence[str],
    suffix: str,
    suffixes: Sequence[str] = (),
) -> list[Job]:
    """The jobs of a command.

    A single input file and an `output` with one of `suffixes` make one job; otherwise `output` is a folder,
    and a folder among the inputs has its tree kept below it.

    Args:
        inputs: files and folders.
        output: file or folder.
        endings: of the names that count in a folder.
        suffix: of the targets in a folder; empty for a stem.
        suffixes: of `output` that mean a file.

    Raises:
        MissingFileError: if an input does not exist, or a folder has no fitting file.
        FileError: if `output` cannot be what it has to be, or two inputs would be written to one place.
    """
    out = Path(output)
    sources = [Path(i) for i in inputs]
    for source in sources:
        if not source.exists():
            raise MissingFileError(f"{source} does not exist.")
    if len(sources) == 1 and not sources[0].is_dir() and not out.is_dir():
        if out.suffix.lower() in suffixes:
            return [Job(sources[0], out)]
        if suffixes and out.suffix.lower() in (*_OTHER_AUDIO, ".dcd", ".wav", ".flac", ".ogg", ".npy"):
            raise UnknownSuffixError(f"{out} cannot be written: the suffix must be one of {' '.join(suffixes)}.")
    if out.exists() and not out.is_dir():
        raise FileError(f"{out} is a file, but a folder is needed for what is asked.")
    jobs = []
    for source in sources:
        if source.is_dir():
            found = sorted(f for f in source.rglob("*") if f.name.lower().endswith(tuple(endings)) and f.is_file())
            if not found:
                raise MissingFileError(f"{source} has no {' '.join(endings)} files.")
            jobs += [Job(f, _named(out / f.relative_to(source), endings, suffix)) for f in found]
        else:
            jobs.append(Job(source, _named(out / source.name, endings, suffix)))
    seen: dict[Path, Path] = {}
    for job in jobs:
        if job.target in seen:
            raise FileError(f"{seen[job.target]} and {job.source} would both be written to {job.target}.")
        seen[job.target] = job.source
    return jobs


def check_free(*paths: Path, force: bool) -> None:
    """Refuse to overwrite.

    Raises:
        OutputExistsError: if one of the paths is there and `force` is False.
    """
    for path in paths:
        if path.is_dir():
            raise OutputExistsError(f"{path} is a folder, so no file can be written there.")
        if path.exists() and not force:
            raise OutputExistsError(f"{path} exists; add --force to overwrite it.")


def _named(path: Path, endings: Sequence[str], suffix: str) -> Path:
    """`path` with its ending, or whatever suffix it has, replaced."""
    for ending in endings:
        if path.name.lower().endswith(ending):
            return path.with_name(path.name[: -len(ending)] + suffix)
    return path.with_name(path.stem + suffix)
