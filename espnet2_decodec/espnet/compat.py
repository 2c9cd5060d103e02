"""Differences between ESPnet releases, and shims. Each shim first checks whether it is still needed."""

import inspect
from types import SimpleNamespace

import numpy as np
from espnet2.iterators import chunk_iter_factory

BROKEN_DEFAULTS = {("encodec", "discriminator_params"), ("funcodec", "generator_params")}
"""Defaults of ESPnet's codecs (202511 and 202611) that their own classes refuse; a config has to give them in full."""


class _ScalarChoice(np.random.RandomState):
    """`choice(a, 1)` returns a number instead of an array of one, which int() refuses from numpy 2.4 on."""

    def choice(self, a, size=None, replace=True, p=None):
        """As numpy's, with the same random numbers."""
        return super().choice(a, None if size == 1 else size, replace, p)


class _Numpy:
    """The module numpy with another RandomState."""

    random = SimpleNamespace(RandomState=_ScalarChoice)

    def __getattr__(self, name: str):
        return getattr(np, name)


def fix_chunk_iterator() -> bool:
    """Make ESPnet's chunk iterator run with numpy 2.4 and later; returns whether that was needed."""
    source = inspect.getsource(chunk_iter_factory.ChunkIterFactory.build_iter)
    if "int(state.choice(chunk_lengths, 1))" not in source:
        return False
    chunk_iter_factory.np = _Numpy()
    return True
