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
    same interval, and two systems on the same recordings are resampled alike.

    Args:
        values: one per recording; NaN where undefined, and left out.
    """
    defined = np.array([value for value in values if not math.isnan(value)], dtype=float)
    if not len(defined):
        return Interval(math.nan, math.nan, math.nan, 0)
    drawn = np.random.default_rng(SEED).integers(len(defined), size=(RESAMPLES, len(defined)))
    means = defined[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(defined.mean()), float(low), float(high), len(defined))
