"""Batches of the codec task."""

from collections.abc import Iterator, Sequence

import numpy as np
from espnet2.samplers.abs_sampler import AbsSampler


class WeightedBatchSampler(AbsSampler):
    """Batches of a fixed size, sampled anew in every epoch in proportion to weights.

    With uniform weights every utterance comes once per epoch (except for a few at the end). ESPnet's own sampler keeps
    neighbors in wav.scp together, so that most batches would be of one speaker.

    Args:
        names: ids of the utterances.
        weights: [n] sampling probabilities; they sum to 1.
        batch_size: over all ranks.
        rank: of this process in distributed training.
        world_size: number of processes.

    Raises:
        ValueError: if the batch cannot be divided among the ranks.
    """

    def __init__(self, names: Sequence[str], weights: np.ndarray, batch_size: int, rank: int = 0, world_size: int = 1):
        if batch_size < world_size or batch_size % world_size:
            raise ValueError(f"batch_size {batch_size} must be a multiple of the number of processes, {world_size}.")
        self.names, self.cumulative = list(names), np.cumsum(weights)
        self.batch_size, self.rank, self.world_size = batch_size, rank, world_size

    def __repr__(self) -> str:
        return f"WeightedBatchSampler({len(self)} of {self.batch_size}, rank {self.rank} of {self.world_size})"

    def __len__(self) -> int:
        return max(1, len(self.names) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self.generate(0))

    def generate(self, seed: int) -> list[tuple[str, ...]]:
        """Batches of one epoch: systematic sampling of the cumulative weights, shuffled."""
        random = np.random.RandomState(seed)
        count = len(self) * self.batch_size
        points = (np.arange(count) + random.random_sample()) / count * self.cumulative[-1]
        picks = np.searchsorted(self.cumulative, points).clip(max=len(self.names) - 1)
        random.shuffle(picks)
        rows = picks.reshape(-1, self.batch_size)[:, self.rank :: self.world_size]
        return [tuple(self.names[i] for i in row) for row in rows]
