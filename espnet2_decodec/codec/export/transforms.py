"""Fixed transforms without complex numbers and without sizes that depend on the input."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def fourier_matrices(window: Tensor) -> tuple[Tensor, Tensor]:
    """Window [n] -> matrices [n, n // 2 + 1] from frames to real and imaginary parts of `MDCTBackbone._stft`."""
    size = len(window)
    angles = 2 * math.pi / size * torch.outer(torch.arange(size), torch.arange(size // 2 + 1)).double()
    scaled = window.double()[:, None] * (2 / size**0.5)
    return (torch.cos(angles) * scaled).float(), (-torch.sin(angles) * scaled).float()


def frame_thirds(wav: Tensor, hop: int) -> Tensor:
    """Wav [B, T * hop] -> frames [B, T, 3 * hop] centered on each hop, as `frame_signal` gives them."""
    parts = F.pad(wav, (hop, hop)).unflatten(1, (-1, hop))
    return torch.cat([parts[:, :-2], parts[:, 1:-1], parts[:, 2:]], dim=-1)


def overlap_add_halves(frames: Tensor, hop: int) -> Tensor:
    """Frames [B, T, 2 * hop] -> [B, T * hop], as `overlap_add` gives it."""
    left, right = frames[..., :hop], frames[..., hop:]
    blocks = F.pad(left, (0, 0, 0, 1)) + F.pad(right, (0, 0, 1, 0))
    return blocks.flatten(1)[:, hop // 2 : -(hop // 2)]


def ones_of(x: Tensor) -> Tensor:
    """Ones of the shape of x, finite; the exporter takes `torch.ones_like` as a constant of the example's size."""
    return 0 * x + 1


def moving_sum(x: Tensor, context: tuple[int, int]) -> Tensor:
    """Sum of each frame of x [B, T, C] and of its (left, right) neighbors [B, T, C], as `overlap_add.moving_sum`."""
    left, right = context
    sums = x.double().cumsum(1)
    last = sums[:, -1:].expand(-1, right, -1)
    sums = torch.cat([F.pad(sums, (0, 0, left + 1, 0)), last], dim=1)
    return (sums[:, left + 1 + right :] - sums[:, : -(left + 1 + right)]).to(x.dtype)
