"""Types of command-line options: finite numbers within their range."""

import math
from argparse import ArgumentTypeError

MAX_DECIBELS = 300.0
"""Largest level, gain or ratio, beyond the range of samples in any format."""


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
