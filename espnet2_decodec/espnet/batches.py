"""Which utterances meet in which training batch."""

from collections.abc import Iterator, Sequence

import numpy as np
from espnet2.samplers.abs_sampler import AbsSampler


class DrawnBatches(AbsSampler):
    """Batches of exactly one size, drawn anew in every pass over the corpus, in proportion to `shares`.

    With even shares every utterance comes once in a pass (but for a few that fill up or do not fill a batch).
    ESPnet's own sampler keeps the neighbours of a wav.scp together, so one speaker would fill most batches.

    Args:
        names: ids of the utterances.
        shares: [n] how often each is wanted; they sum to 1.
        batch_size: over all ranks.
        rank, world_size: of this process in a distributed run.

    Raises:
        ValueError: if the batch does not divide among the ranks.
    """

    def __init__(self, names: Sequence[str], shares: np.ndarray, batch_size: int, rank: int = 0, world_size: int = 1):
        if batch_size < world_size or batch_size % world_size:
            raise ValueError(f"batch_size {batch_size} does not divide among {world_size} processes.")
        self.names, self.cumulative = list(names), np.cumsum(shares)
        self.batch_size, self.rank, self.world_size = batch_size, rank, world_size

    def __repr__(self) -> str:
        return f"DrawnBatches({len(self)} of {self.batch_size}, rank {self.rank} of {self.world_size})"

    def __len__(self) -> int:
        return max(1, len(self.names) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self.generate(0))

    def generate(self, seed: int) -> list[tuple[str, ...]]:
        """The batches of one pass: evenly spaced places on the line of cumulated shares, in random order."""
        random = np.random.RandomState(seed)
        count = len(self) * self.batch_size
        places = (np.arange(count) + random.random_sample()) / count * self.cumulative[-1]
        picks = np.searchsorted(self.cumulative, places).clip(max=len(self.names) - 1)
        random.shuffle(picks)
        rows = picks.reshape(-1, self.batch_size)[:, self.rank :: self.world_size]
        return [tuple(self.names[i] for i in row) for row in rows]
