"""Batches for the semantic encoder, from the features of `prepare_semantic`."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from research.tokens.audio_bank import AudioBank


class SemanticBatch(NamedTuple):
    """A batch.

    Attributes:
        plain: [B, T, E] log-mel spectra of clean speech.
        augmented: [B, T, E] of the same speech in noise, separated, or with another frequency response.
        targets: [B, T, C] of the clean speech.
    """

    plain: Tensor
    augmented: Tensor
    targets: Tensor


class SemanticBank(AudioBank):
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
        lines = (Path(folder) / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        self._index([line.split("\t") for line in lines], weights)
        sizes = {"plain": log_mel_dim, "augmented": log_mel_dim, "targets": targets_dim}
        self.values = [
            np.memmap(Path(folder) / f"{name}.{kind}", np.float16, "r").reshape(-1, size)
            for kind, size in sizes.items()
        ]

    def draw_batch(self, count: int, frames: int, random: np.random.Generator) -> SemanticBatch:
        """A batch of `count` items of `frames` frames."""
        items = [self._segment(frames, random) for _ in range(count)]
        return SemanticBatch(*(torch.from_numpy(np.stack(part).astype(np.float32)) for part in zip(*items)))

    def _segment(self, frames: int, random: np.random.Generator) -> list[np.ndarray]:
        """All features of consecutive frames of one label; another piece follows where one ends."""
        key = self.draw_key(random)
        members, sums = self.members[key], self.within[key]
        parts: list[list[np.ndarray]] = [[] for _ in self.values]
        missing = frames
        while missing > 0:
            i = members[min(int(np.searchsorted(sums, random.random() * sums[-1], side="right")), len(members) - 1)]
            size, first = int(self.lengths[i]), int(self.starts[i])
            begin = first + (int(random.integers(max(size - missing, 0) + 1)) if missing == frames else 0)
            end = min(begin + missing, first + size)
            for part, values in zip(parts, self.values):
                part.append(values[begin:end])
            missing -= end - begin
        return [np.concatenate(part) for part in parts]
