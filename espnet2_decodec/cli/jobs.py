"""Planning and running of jobs: one input file and its output each."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.arguments import folder_problem, looks_like_file
from espnet2_decodec.atomic import is_stream
from espnet2_decodec.cli.console import FAILURES, describe, error, note, track_files
from espnet2_decodec.folders import Files, find_files, suffix_counts
from espnet2_decodec.io.audio import OUTPUT_FORMATS
from espnet2_decodec.io.errors import FileError, MissingFileError, OutputExistsError, UnknownSuffixError
from espnet2_decodec.io.pipes import STANDARD_INPUT

_RESULT = re.compile(r"(.+)\.(speech|background)\.[a-z0-9]+$", re.IGNORECASE)
"""File names of `decodec separate`."""


@dataclass(frozen=True)
class Job:
    """One input file and its output.

    Attributes:
        source: the input file; `-` is the standard input.
        target: the output file, or its path without suffix where a command writes several files; `-` is the standard
            output.
        problem: why the input cannot be used, such as a broken link.
    """

    source: Path
    target: Path
    problem: str = ""


def plan_jobs(
    inputs: Sequence[str],
    output: str,
    input_suffixes: Sequence[str],
    suffix: str,
    output_suffixes: Sequence[str] = (),
) -> list[Job]:
    """Return the jobs of a command.

    A single input file and an `output` with one of `output_suffixes`, or a stream, make one job. Otherwise `output` is
    a folder, in which the structure of each input folder is kept. What is left out of an input folder is noted.

    Args:
        inputs: files and folders.
        output: file or folder.
        input_suffixes: suffixes of the files that are used in an input folder.
        suffix: of the files in an output folder; empty for paths without suffix.
        output_suffixes: of `output` as a file; none if a command writes folders only.

    Raises:
        MissingFileError: if an input does not exist, or a folder has no file to use.
        FileError: if `output` is of the wrong kind, or two inputs have the same output.
    """
    out = Path(output)
    for path in inputs:
        check_exists(path)
    sources = [Path(i) for i in inputs]
    if is_stream(out):
        if not output_suffixes:
            raise FileError(f"{out} cannot be the output: this command writes two files, so it needs a folder.")
        if len(sources) > 1 or sources[0].is_dir():
            raise FileError(f"{out} can only be the output of one file; give a folder for these inputs.")
        return [Job(sources[0], out)]
    if len(sources) == 1 and not sources[0].is_dir() and not out.is_dir():
        if out.suffix.lower() in output_suffixes:
            return [Job(sources[0], out)]
        if output_suffixes and looks_like_file(output):
            raise UnknownSuffixError(f"{out} cannot be written: the suffix must be one of {' '.join(output_suffixes)}.")
    check_output_folder(output)
    jobs = []
    for source in sources:
        if source.is_dir():
            found = _find_inputs(source, input_suffixes, out)
            jobs += [Job(f, _replace_suffix(out / f.relative_to(source), input_suffixes, suffix)) for f in found.files]
            jobs += [Job(path, out / path.relative_to(source), problem) for path, problem in found.problems]
        else:
            name = "stdin" if str(source) == STANDARD_INPUT else source.name
            jobs.append(Job(source, _replace_suffix(out / name, input_suffixes, suffix)))
    seen: dict[Path, Path] = {}
    for job in jobs:
        if job.problem:
            continue
        if job.target in seen:
            raise FileError(f"{seen[job.target]} and {job.source} would both be written to {job.target}.")
        seen[job.target] = job.source
    return jobs


def plan_job(output: str, source: str, *others: str) -> Job:
    """Return the one job of a command that makes an audio file of several files.

    Args:
        output: file, or folder of a .wav file with the name of the source.
        source: audio or token file.
        others: further files, which are checked as well.

    Raises:
        MissingFileError: if an input does not exist, or is a folder.
        FileError: if `output` is of the wrong kind.
    """
    for path in (source, *others):
        if Path(path).is_dir():
            raise MissingFileError(f"{path} is a folder, not a file.")
        check_exists(path)
    (job,) = plan_jobs([source], output, (), ".wav", tuple(OUTPUT_FORMATS))
    return job


def check_exists(path: str) -> None:
    """Check that there is an input, which may be the standard input.

    Raises:
        MissingFileError: if not.
    """
    if not path:
        raise MissingFileError("The name of an input is empty.")
    if not Path(path).exists() and path != STANDARD_INPUT:
        is_link = Path(path).is_symlink()
        raise MissingFileError(f"{path} {f'is a broken link to {os.readlink(path)}' if is_link else 'does not exist'}.")


def check_output_folder(output: str) -> None:
    """Check that an output can be a folder.

    Raises:
        FileError: if it is a file, or looks like one.
    """
    problem = folder_problem(output)
    if problem:
        raise FileError(f"{problem}.")


def check_output(*paths: Path, force: bool) -> None:
    """Check that output files may be written.

    Raises:
        OutputExistsError: if all paths exist and `force` is False.
        FileError: if some exist, or one is a folder.
    """
    files = [path for path in paths if not is_stream(path)]
    for path in files:
        if path.is_dir():
            raise FileError(f"{path} is a folder, so no file can be written there.")
    existing = [] if force else [path for path in files if path.exists()]
    if existing:
        kind = OutputExistsError if len(existing) == len(files) else FileError
        raise kind(f"{existing[0]} exists; add --force to overwrite it.")


def run_jobs(jobs: Sequence[Job], process: Callable[[Job], None], desc: str, skip_existing: bool = False) -> int:
    """Process all jobs, also after some of them failed, and return the exit code.

    Each failure is printed in one line; if there is more than one job, a last line has the number of failures.

    Args:
        jobs: the jobs.
        process: function that processes one of them.
        desc: label of the progress bar.
        skip_existing: leave out jobs whose output exists.
    """
    failed = skipped = 0
    for job in track_files(jobs, desc):
        try:
            if job.problem:
                raise FileError(job.problem)
            process(job)
        except BrokenPipeError:
            raise
        except FAILURES as problem:
            if skip_existing and isinstance(problem, OutputExistsError):
                skipped += 1
                continue
            failed += 1
            text = describe(problem)
            named = str(job.source) in text or str(job.target) in text
            error(text if named else f"{job.source}: {text}")
    if skipped:
        note(f"{skipped} of {len(jobs)} files left out, as their output exists.")
    if failed and len(jobs) > 1:
        error(f"{failed} of {len(jobs)} files failed.")
    return 1 if failed else 0


def _find_inputs(folder: Path, suffixes: Sequence[str], out: Path) -> Files:
    """Find the files of an input folder, and note what is left out of it.

    Raises:
        MissingFileError: if there is nothing to use.
    """
    found = find_files(folder, suffixes, [out])
    results = _results(found.files) if ".wav" in suffixes else set()
    if len(results) < len(found.files):
        found.files = [file for file in found.files if file not in results]
    else:
        results = set()  # a folder of nothing but stems was given on purpose
    for path in found.excluded:
        note(f"{path}, the output folder, is left out of the input.")
    if results:
        note(f"{folder}: {suffix_counts(results)} left out, as they are results of decodec separate.")
    speech = {str(file)[: -len(".speech.npy")] for file in found.files if file.name.endswith(".speech.npy")}
    other = []
    for file in found.other:
        if not (file.name.endswith(".background.npy") and ".speech.npy" in suffixes):
            other.append(file)
        elif str(file)[: -len(".background.npy")] not in speech:
            found.problems.append((file, f"{file} has no .speech.npy file beside it."))
    if not found.files and not found.problems:
        rest = f"; it has {suffix_counts(other)}" if other else ""
        raise MissingFileError(f"{folder} has no {' '.join(suffixes)} files{rest}.")
    if other:
        note(f"{folder}: {suffix_counts(other)} left out, as their format is not read.")
    return found


def _results(files: Sequence[Path]) -> set[Path]:
    """Return the pairs NAME.speech.wav and NAME.background.wav that `decodec separate` wrote."""
    streams: dict[Path, dict[str, Path]] = {}
    for file in files:
        match = _RESULT.fullmatch(file.name)
        if match is not None:
            streams.setdefault(file.with_name(match[1]), {})[match[2].lower()] = file
    return {file for pair in streams.values() if len(pair) == 2 for file in pair.values()}


def _replace_suffix(path: Path, suffixes: Sequence[str], new: str) -> Path:
    """Replace the one of `suffixes` that the path ends with, or whatever suffix it has."""
    for suffix in suffixes:
        if path.name.lower().endswith(suffix):
            return path.with_name(path.name[: -len(suffix)] + new)
    return path.with_name(path.stem + new)
