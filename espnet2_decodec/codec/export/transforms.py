"""Fixed transforms without complex numbers and without sizes that depend on the input."""

import math

import torch
from torch import Tensor


def fourier_matrices(window: Tensor) -> tuple[Tensor, Tensor]:
    """Window [n] -> matrices [n, n // 2 + 1] from frames to real and imaginary parts of their windowed spectra."""
    angles = _angles(len(window))
    scaled = window.double()[:, None]
    return (torch.cos(angles) * scaled).float(), (-torch.sin(angles) * scaled).float()


def inverse_fourier_matrices(size: int) -> tuple[Tensor, Tensor]:
    """Matrices [size // 2 + 1, size] from real and imaginary parts to a frame, of an even size, as `irfft`."""
    angles, weight = _angles(size), torch.full((size // 2 + 1,), 2.0 / size, dtype=torch.float64)
    weight[[0, -1]] = 1 / size
    return (torch.cos(angles) * weight).T.float(), (-torch.sin(angles) * weight).T.float()


def _angles(size: int) -> Tensor:
    """Phases of a Fourier transform of an even size [size, size // 2 + 1], in float64."""
    cycles = torch.outer(torch.arange(size), torch.arange(size // 2 + 1)) % size
    return 2 * math.pi / size * cycles.double()


def ones_of(x: Tensor) -> Tensor:
    """Ones of the shape of x, finite; the exporter takes `torch.ones_like` as a constant of the example's size."""
    return 0 * x + 1
