"""Paired tests of two systems on the same recordings: Wilcoxon's signed-rank test, with Holm's correction for many."""

import math
from collections.abc import Sequence

import numpy as np

SIGNIFICANCE = 0.05
"""Corrected p-values below this count as a difference."""


def signed_rank_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test (1945) that differences are symmetric about 0.

    Args:
        differences: one per recording; NaN where undefined, and left out. Zeros are ranked along with the others, and
            then dropped (Pratt, 1959).

    Returns:
        The p-value; 1 where all differences are 0, NaN where there are none.

    Raises:
        ImportError: if scipy is not installed.
    """
    defined = np.array([value for value in differences if not math.isnan(value)], dtype=float)
    if not len(defined):
        return math.nan
    if not defined.any():
        return 1.0
    try:
        from scipy.stats import wilcoxon
    except ModuleNotFoundError as problem:
        raise ImportError("Paired tests need scipy (pip install scipy).") from problem
    return float(wilcoxon(defined, zero_method="pratt").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several tests, corrected by Holm's step-down procedure (1979): the family-wise error is bounded.

    Args:
        p_values: of each test; NaN where a test is undefined, which stays so and is not counted.
    """
    corrected, largest = [math.nan] * len(p_values), 0.0
    order = sorted((value, i) for i, value in enumerate(p_values) if not math.isnan(value))
    for rank, (value, i) in enumerate(order):
        largest = max(largest, min(1.0, value * (len(order) - rank)))
        corrected[i] = largest
    return corrected
