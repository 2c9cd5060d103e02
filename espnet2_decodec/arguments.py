"""Types of command-line options: finite numbers within their range, and outputs of the right kind."""

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

MAX_DECIBELS = 300.0
"""Largest level, gain or ratio, beyond the range of samples in any format."""

MAX_SEED = 2**32 - 1

_FILE_NAME = re.compile(r"\.(?:w64|(?=[a-z0-9]*[a-z][a-z0-9]*[a-z])[a-z0-9]{2,5})$", re.IGNORECASE)
"""A suffix by which an output is a file, not a folder: it has two letters, unlike those of `exp_v1.0` and `2024.11`."""
_LONG_SUFFIXES = (".safetensors",)


def finite_float(text: str) -> float:
    """Parse a finite number.

    Raises:
        ArgumentTypeError: if it is not a number, or NaN or infinite.
    """
    try:
        value = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def decibels(text: str) -> float:
    """Parse a level, gain or ratio in dB.

    Raises:
        ArgumentTypeError: if it is not a number within -`MAX_DECIBELS`..`MAX_DECIBELS`.
    """
    value = finite_float(text)
    if abs(value) > MAX_DECIBELS:
        raise ArgumentTypeError(f"{text} dB is not within -{MAX_DECIBELS:g}..{MAX_DECIBELS:g} dB")
    return value


def positive_float(text: str) -> float:
    """Parse a finite number above 0.

    Raises:
        ArgumentTypeError: if it is another one.
    """
    value = finite_float(text)
    if value <= 0:
        raise ArgumentTypeError(f"{text!r} is not above 0")
    return value


def positive_int(text: str) -> int:
    """Parse a whole number of at least 1.

    Raises:
        ArgumentTypeError: if it is another one.
    """
    try:
        value = int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < 1:
        raise ArgumentTypeError(f"{text!r} is not at least 1")
    return value


def random_seed(text: str) -> int:
    """Parse a random seed.

    Raises:
        ArgumentTypeError: if it is not a whole number within 0..`MAX_SEED`.
    """
    try:
        value = int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not 0 <= value <= MAX_SEED:
        raise ArgumentTypeError(f"{text} is not within 0..{MAX_SEED}")
    return value


def job_part(text: str) -> tuple[int, int]:
    """Parse K/N: number K of N jobs.

    Raises:
        ArgumentTypeError: if it is something else.
    """
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ArgumentTypeError(f"{text!r} is not K/N with K within 1..N")
    return int(number), int(count)


def output_folder(text: str) -> Path:
    """Parse an output that is a folder.

    Raises:
        ArgumentTypeError: if it is a file, or looks like one.
    """
    problem = folder_problem(text)
    if problem:
        raise ArgumentTypeError(problem)
    return Path(text)


def output_file(*suffixes: str) -> Callable[[str], Path]:
    """Return a type of outputs that are files with one of these suffixes.

    The type raises an ArgumentTypeError for a folder, and for another suffix.
    """

    def parse(text: str) -> Path:
        problem = file_problem(text, suffixes)
        if problem:
            raise ArgumentTypeError(problem)
        return Path(text)

    return parse


def looks_like_file(output: str) -> bool:
    """Return whether an output that does not exist has the suffix of a file, and no slash at its end."""
    name = Path(output).name
    is_file = _FILE_NAME.search(name) is not None or name.lower().endswith(_LONG_SUFFIXES)
    return not output.endswith("/") and not Path(output).is_dir() and is_file


def folder_problem(output: str) -> str:
    """Return why an output cannot be a folder, as a clause without full stop; empty if it can."""
    if not output:
        return "the name of the output is empty"
    if Path(output).exists() and not Path(output).is_dir():
        return f"{output} is a file, but a folder is needed"
    if looks_like_file(output):
        return f"{output} has the suffix of a file, but a folder is needed here; a slash at its end makes it a folder"
    return ""


def file_problem(output: str, suffixes: tuple[str, ...]) -> str:
    """Return why an output cannot be a file with one of the suffixes, as a clause; empty if it can."""
    if not output:
        return "the name of the output is empty"
    if Path(output).is_dir() or output.endswith("/"):
        return f"{output} is a folder, but a file is needed"
    if Path(output).suffix.lower() not in suffixes:
        return f"{output} cannot be written: the suffix must be {' or '.join(suffixes)}"
    return ""


def device(text: str) -> str:
    """Name of a device that can compute; `auto` is cuda if available, else cpu.

    Raises:
        ArgumentTypeError: if it cannot.
    """
    import torch  # takes a second, in which no help is shown

    name = text if text != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    try:
        float(torch.zeros(1, device=name).sum())
    except (RuntimeError, AssertionError, NotImplementedError) as problem:
        raise ArgumentTypeError(f"device {name!r} cannot be used: {str(problem).splitlines()[0]}") from None
    return name
