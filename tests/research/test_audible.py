"""Which items have speech, for the losses that leave the others out."""

import torch

from research.audible import is_audible


def test_items_above_minus_80_dbfs_are_audible():
    sine = torch.sin(torch.arange(1600) * 2 * torch.pi / 16) * 2**0.5
    clean = torch.stack([10 ** (level / 20) * sine for level in (-20, -79.9, -80.1)] + [torch.zeros(1600)])
    assert is_audible(clean).tolist() == [True, True, False, False]
