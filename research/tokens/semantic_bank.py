"""Batches for the semantic encoder, from the features of `prepare_semantic`."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from research.feature_files import FrameBank


class SemanticBatch(NamedTuple):
    """A batch.

    Attributes:
        plain: [B, T, E] log-mel spectra of clean speech.
        augmented: [B, T, E] of the same speech in noise, separated, or with another frequency response.
        mixture: [B, T, E] of the same before the separation.
        targets: [B, T, C] of the clean speech.
    """

    plain: Tensor
    augmented: Tensor
    mixture: Tensor
    targets: Tensor


class SemanticBank(FrameBank):
    """Features drawn as `AudioBank` draws samples.

    Args:
        folder: of the features.
        name: of the bank.
        weights: source -> factor of its probability.
        log_mel_dim: E.
        targets_dim: C.
    """

    def __init__(
        self,
        folder: str | Path,
        name: str,
        weights: dict[str, float] | None = None,
        log_mel_dim: int = 96,
        targets_dim: int = 256,
    ):
        sizes = {"plain": log_mel_dim, "augmented": log_mel_dim, "mixture": log_mel_dim, "targets": targets_dim}
        super().__init__(folder, name, sizes, weights)

    def draw_batch(self, count: int, frames: int, random: np.random.Generator) -> SemanticBatch:
        """A batch of `count` items of `frames` frames, each of one label."""
        drawn = [self.draw_segments(self.draw_key(random), frames, random) for _ in range(count)]
        return SemanticBatch(*(torch.stack([self.read(kind, item) for item in drawn]) for kind in self.values))
