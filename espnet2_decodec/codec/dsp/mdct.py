"""The modified discrete cosine transform (MDCT) with a sine window (Princen and Bradley, 1986)."""

import math

import torch
from torch import Tensor


def mdct_basis(hop: int, positions: Tensor) -> Tensor:
    """MDCT of unit impulses at `positions` [M] within a frame, in samples from 0 to 2 * hop: [M, hop] in float64."""
    n, k = positions.double()[:, None] + 0.5, torch.arange(hop, dtype=torch.float64)
    basis = torch.cos(math.pi / hop * (n + hop / 2) * (k + 0.5)) * math.sqrt(2 / hop)
    return basis * torch.sin(math.pi / (2 * hop) * n)


def mdct_matrix(hop: int) -> Tensor:
    """The orthonormal MDCT as a matrix [2 * hop, hop].

    Frames [..., 2 * hop] times the matrix are coefficients [..., hop]. Coefficients times its transpose are frames,
    whose overlap-add is the signal again.
    """
    return mdct_basis(hop, torch.arange(2 * hop)).float()
