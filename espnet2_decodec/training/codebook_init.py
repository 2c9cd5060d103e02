"""Initialization of codebooks by k-means of recent encoder outputs."""

import logging
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.split_quantizer import Quantizer

logger = logging.getLogger(__name__)


class FrameBuffer(nn.Module):
    """Ring buffer of frames, saved in checkpoints.

    Args:
        size: number of frames.
        dim: D.
    """

    frames: Tensor

    def __init__(self, size: int, dim: int):
        super().__init__()
        self.register_buffer("frames", torch.zeros(size, dim))

    @torch.no_grad()
    def add(self, step: int, values: Tensor) -> None:
        """Add the outputs [B, D, T] of one step, at most as many frames as the buffer has."""
        rows = values.transpose(1, 2).reshape(-1, values.shape[1])[: len(self.frames)]
        index = (step * len(rows) + torch.arange(len(rows), device=rows.device)) % len(self.frames)
        self.frames[index] = rows.to(self.frames.dtype)


class CodebookInitializer(nn.Module):
    """Collects encoder outputs of each stream, and initializes the codebooks with them.

    Args:
        quantizers: stream -> quantizer.
        size: number of frames collected for each.
    """

    def __init__(self, quantizers: Mapping[str, Quantizer], size: int):
        super().__init__()
        self.streams = nn.ModuleDict({name: FrameBuffer(size, q.dim) for name, q in quantizers.items()})
        self._quantizers = dict(quantizers)

    def collect(self, step: int, **outputs: Tensor) -> None:
        """Add the outputs [B, D, T] of a step; streams without a quantizer are ignored."""
        for name in self._quantizers.keys() & outputs.keys():
            self._buffer(name).add(step, outputs[name])

    @torch.no_grad()
    def initialize(self) -> None:
        """Fill the codebooks with k-means of the collected frames."""
        for name, quantizer in self._quantizers.items():
            frames = self._buffer(name).frames
            frames = frames[frames.abs().sum(1) > 0]
            logger.info("k-means of the %s codebooks, %d frames", name, len(frames))
            quantizer.init_kmeans(frames)

    def _buffer(self, name: str) -> FrameBuffer:
        buffer = self.streams[name]
        assert isinstance(buffer, FrameBuffer)
        return buffer
