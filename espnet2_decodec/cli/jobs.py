"""Planning and running of jobs: one input file and its output each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.cli.console import error, track_files
from espnet2_decodec.io.errors import FileError, MissingFileError, OutputExistsError, UnknownSuffixError

_FILE_SUFFIXES = (
    ".wav", ".flac", ".ogg", ".mp3", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma", ".au", ".caf", ".dcd", ".npy"
)  # fmt: skip
"""Suffixes by which an output is a file, not a folder."""


@dataclass(frozen=True)
class Job:
    """One input file and its output.

    Attributes:
        source: the input file.
        target: the output file, or its path without suffix where a command writes several files.
    """

    source: Path
    target: Path


def plan_jobs(
    inputs: Sequence[str],
    output: str,
    input_suffixes: Sequence[str],
    suffix: str,
    output_suffixes: Sequence[str] = (),
) -> list[Job]:
    """Return the jobs of a command.

    A single input file and an `output` with one of `output_suffixes` make one job. Otherwise `output` is a folder, in
    which the structure of each input folder is kept.

    Args:
        inputs: files and folders.
        output: file or folder.
        input_suffixes: suffixes of the files that are used in an input folder.
        suffix: of the files in an output folder; empty for paths without suffix.
        output_suffixes: of `output` as a file.

    Raises:
        MissingFileError: if an input does not exist, or a folder has no file to use.
        FileError: if `output` is of the wrong kind, or two inputs have the same output.
    """
    out = Path(output)
    sources = [Path(i) for i in inputs]
    for source in sources:
        if not source.exists():
            raise MissingFileError(f"{source} does not exist.")
    if len(sources) == 1 and not sources[0].is_dir() and not out.is_dir():
        if out.suffix.lower() in output_suffixes:
            return [Job(sources[0], out)]
        if output_suffixes and out.suffix.lower() in _FILE_SUFFIXES:
            raise UnknownSuffixError(f"{out} cannot be written: the suffix must be one of {' '.join(output_suffixes)}.")
    if out.exists() and not out.is_dir():
        raise FileError(f"{out} is a file, but a folder is needed for these inputs.")
    jobs = []
    for source in sources:
        if source.is_dir():
            files = sorted(
                f for f in source.rglob("*") if f.name.lower().endswith(tuple(input_suffixes)) and f.is_file()
            )
            if not files:
                raise MissingFileError(f"{source} has no {' '.join(input_suffixes)} files.")
            jobs += [Job(f, _replace_suffix(out / f.relative_to(source), input_suffixes, suffix)) for f in files]
        else:
            jobs.append(Job(source, _replace_suffix(out / source.name, input_suffixes, suffix)))
    seen: dict[Path, Path] = {}
    for job in jobs:
        if job.target in seen:
            raise FileError(f"{seen[job.target]} and {job.source} would both be written to {job.target}.")
        seen[job.target] = job.source
    return jobs


def check_output(*paths: Path, force: bool) -> None:
    """Check that output files may be written.

    Raises:
        OutputExistsError: if one of the paths is a folder, or exists and `force` is False.
    """
    for path in paths:
        if path.is_dir():
            raise OutputExistsError(f"{path} is a folder, so no file can be written there.")
        if path.exists() and not force:
            raise OutputExistsError(f"{path} exists; add --force to overwrite it.")


def run_jobs(jobs: Sequence[Job], process: Callable[[Job], None], desc: str) -> int:
    """Process all jobs, also after some of them failed, and return the exit code.

    Each failure is printed in one line; if there is more than one job, a last line has the number of failures.

    Args:
        jobs: the jobs.
        process: function that processes one of them.
        desc: label of the progress bar.
    """
    failed = 0
    for job in track_files(jobs, desc):
        try:
            process(job)
        except (ValueError, OSError) as problem:
            failed += 1
            text = str(problem)
            named = str(job.source) in text or str(job.target) in text or isinstance(problem, OSError)
            error(problem if named else f"{job.source}: {text}")
    if failed and len(jobs) > 1:
        error(f"{failed} of {len(jobs)} files failed.")
    return 1 if failed else 0


def _replace_suffix(path: Path, suffixes: Sequence[str], new: str) -> Path:
    """Replace the one of `suffixes` that the path ends with, or whatever suffix it has."""
    for suffix in suffixes:
        if path.name.lower().endswith(suffix):
            return path.with_name(path.name[: -len(suffix)] + new)
    return path.with_name(path.stem + new)
