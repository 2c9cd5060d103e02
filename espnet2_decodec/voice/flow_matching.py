"""Conditional flow matching with straight paths from noise to data (Lipman et al., 2022, arXiv 2210.02747)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn


class TimeEmbedding(nn.Module):
    """Sinusoidal features of the flow's time, then two layers.

    Args:
        dim: of the embedding, even.
    """

    frequencies: Tensor

    def __init__(self, dim: int):
        super().__init__()
        self.register_buffer("frequencies", torch.exp(torch.linspace(0, math.log(1000), dim // 2)), persistent=False)
        self.layers = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, time: Tensor) -> Tensor:
        """Time [B] within 0..1 -> [B, dim]."""
        angles = time[:, None] * self.frequencies
        return self.layers(torch.cat([angles.sin(), angles.cos()], dim=-1))


def interpolate(data: Tensor, noise: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Point of the path and its velocity.

    Args:
        data: [B, T, C].
        noise: [B, T, C].
        time: [B]; 0 is noise, 1 is data.

    Returns:
        Both [B, T, C].
    """
    t = time[:, None, None]
    return (1 - t) * noise + t * data, data - noise


def sample(velocity: Callable[[Tensor, Tensor], Tensor], noise: Tensor, steps: int) -> Tensor:
    """Integrate the flow from noise [B, T, C] to data [B, T, C] by the midpoint method.

    Args:
        velocity: maps points [B, T, C] and times [B] to velocities [B, T, C].
        noise: [B, T, C].
        steps: number of steps; each evaluates the velocity twice.
    """
    x, size = noise, 1 / steps
    for i in range(steps):
        time = torch.full((len(x),), i * size, dtype=x.dtype, device=x.device)
        middle = x + 0.5 * size * velocity(x, time)
        x = x + size * velocity(middle, time + 0.5 * size)
    return x
