"""Work in several processes: the same results in the same order, and errors as they are."""

from functools import partial
from operator import methodcaller

import pytest

from espnet2_decodec.data.parallel import parallel_map


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order(jobs):
    keys = [f"key{i}" for i in range(7)]
    assert list(parallel_map(partial(methodcaller, "upper"), keys, jobs, "upper")) == [key.upper() for key in keys]


def test_errors_come_through():
    with pytest.raises(AttributeError, match="no attribute 'shout'"):
        list(parallel_map(partial(methodcaller, "shout"), ["a", "b"], 1, "shout"))
    with pytest.raises(ValueError, match="at least 1, not 0"):
        list(parallel_map(partial(methodcaller, "upper"), ["a"], 0, "upper"))
    assert list(parallel_map(partial(methodcaller, "upper"), [], 2, "upper")) == []
