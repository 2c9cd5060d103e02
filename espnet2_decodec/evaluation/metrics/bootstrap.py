"""Percentile bootstrap intervals of means over recordings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class Interval:
    """A mean, the limits of its interval, and the number of values; NaN and 0 where there are none."""

    mean: float
    low: float
    high: float
    count: int


def bootstrap_interval(values: Sequence[float]) -> Interval:
    """The mean of one value per recording, with its percentile bootstrap interval (Efron, 1979).

    Sets of the same size are drawn with replacement and always with the same seed, so that the same values have the
    same interval, and two systems on the same recordings are resampled with the same indices.

    Args:
        values: one per recording; NaN where undefined, and left out.
    """
    defined = np.array([value for value in values if not math.isnan(value)], dtype=float)
    if not len(defined):
        return Interval(math.nan, math.nan, math.nan, 0)
    low, high = _limits(defined[_resampled(len(defined))].mean(axis=1))
    return Interval(float(defined.mean()), low, high, len(defined))


def bootstrap_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Interval:
    """The ratio of two sums over recordings, such as an error rate of a set, with its percentile bootstrap interval.

    Recordings are drawn as in `bootstrap_interval`, each with its numerator and its denominator.

    Args:
        numerators: one per recording, all defined.
        denominators: one per recording, none of them negative.

    Returns:
        The ratio as `mean`; NaN and 0 without recordings, or where all denominators are 0.
    """
    above, below = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    if not below.sum():
        return Interval(math.nan, math.nan, math.nan, 0)
    drawn = _resampled(len(below))
    sums = above[drawn].sum(axis=1), below[drawn].sum(axis=1)
    low, high = _limits(sums[0][sums[1] > 0] / sums[1][sums[1] > 0])
    return Interval(float(above.sum() / below.sum()), low, high, len(below))


def _resampled(count: int) -> np.ndarray:
    """Indices [RESAMPLES, count], drawn with replacement."""
    return np.random.default_rng(SEED).integers(count, size=(RESAMPLES, count))


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Lower and upper limit of the interval of resampled values."""
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
