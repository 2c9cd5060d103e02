"""Which items of a batch a loss in speech compares."""

from torch import Tensor

AUDIBLE_POWER = 1e-8
"""Mean power of clean speech, -80 dBFS, above which an item has speech."""


def is_audible(clean: Tensor) -> Tensor:
    """Clean speech [B, L] in -1..1 -> [B] bool, whether an item has speech."""
    return clean.square().mean(1) > AUDIBLE_POWER
