"""Encoder outputs of the latest steps, for codebooks to begin with."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.split_quantizer import Quantizer


class Collected(nn.Module):
    """A ring buffer of frames, which goes into checkpoints.

    Args:
        size: how many frames.
        dim: D.
    """

    def __init__(self, size: int, dim: int):
        super().__init__()
        self.register_buffer("frames", torch.zeros(size, dim))

    @torch.no_grad()
    def add(self, step: int, values: Tensor) -> None:
        """The outputs [B, D, T] of one step, or as many of them as there is room for."""
        rows = values.transpose(1, 2).reshape(-1, values.shape[1])[: len(self.frames)]
        at = (step * len(rows) + torch.arange(len(rows), device=rows.device)) % len(self.frames)
        self.frames[at] = rows.to(self.frames.dtype)

    @torch.no_grad()
    def start(self, quantizer: Quantizer) -> None:
        """Fill the codebooks with k-means of what was collected."""
        quantizer.init_kmeans(self.frames[self.frames.abs().sum(1) > 0])
