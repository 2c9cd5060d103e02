"""Intervals: around their mean, the same each time, as wide as theory says."""

import math

import numpy as np
import pytest

from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval, bootstrap_ratio


def test_the_interval_covers_the_mean_and_is_repeatable():
    values = np.random.default_rng(1).gamma(2.0, size=30).tolist()
    found = bootstrap_interval(values)
    assert found == bootstrap_interval(values)
    assert found.low < found.mean < found.high and found.count == 30
    assert found.mean == pytest.approx(np.mean(values))


def test_it_is_as_wide_as_that_of_the_normal_distribution():
    values = np.random.default_rng(2).normal(size=400)
    found = bootstrap_interval(values.tolist())
    expected = 2 * 1.96 * values.std() / math.sqrt(400)
    assert found.high - found.low == pytest.approx(expected, rel=0.1)


def test_it_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    found = [bootstrap_interval(rng.normal(size=40).tolist()) for _ in range(200)]
    assert 0.88 < np.mean([one.low <= 0 <= one.high for one in found]) < 0.99


def test_undefined_figures_are_left_out():
    assert bootstrap_interval([1.0, math.nan, 3.0]) == bootstrap_interval([1.0, 3.0])
    nothing = bootstrap_interval([math.nan])
    assert nothing.count == 0 and math.isnan(nothing.mean) and math.isnan(nothing.low)
    assert bootstrap_interval([]).count == 0
    alone = bootstrap_interval([2.5])
    assert (alone.mean, alone.low, alone.high, alone.count) == (2.5, 2.5, 2.5, 1)


def test_a_ratio_of_sums_counts_each_recording_by_its_denominator():
    found = bootstrap_ratio([1, 0, 9], [10, 10, 30])
    assert (found.mean, found.count) == (pytest.approx(0.2), 3) and found.low < found.mean < found.high
    values = np.random.default_rng(4).gamma(2.0, size=30).tolist()
    assert bootstrap_ratio(values, [1.0] * 30) == pytest.approx(bootstrap_interval(values))
    assert bootstrap_ratio([0, 0], [5, 5]).high == 0.0
    for nothing in (bootstrap_ratio([], []), bootstrap_ratio([1.0], [0.0])):
        assert nothing.count == 0 and math.isnan(nothing.mean)
