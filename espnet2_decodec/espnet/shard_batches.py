"""Batches of recordings in shards: sampled anew in every pass, and as many for each rank, whatever a shard holds."""

from functools import partial

import numpy as np
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import worker_init_fn
from espnet2.train.dataset import AbsDataset
from torch.utils.data import DataLoader

from espnet2_decodec.data.preprocessor import MixingCollate, StemPreprocessor
from espnet2_decodec.data.shards import ShardSegmentSampler

WINDOW = 16
"""Shards whose recordings are shuffled together."""


class ShardBatches:
    """An endless sequence of batches that depends on the seed alone, and can be read from any position on.

    A pass draws as many recordings as there are, by systematic sampling of their probabilities, in a random order of
    shards; the recordings of `WINDOW` shards are shuffled. All ranks share out each batch, so that another number of
    ranks reads the same batches.

    Args:
        sampler: of the recordings.
        batch_size: over all ranks.
        seed: of all randomness.
        rank: of this process in distributed training.
        world_size: number of processes.

    Raises:
        ValueError: if the batch cannot be divided among the ranks.
    """

    def __init__(
        self, sampler: ShardSegmentSampler, batch_size: int, seed: int = 0, rank: int = 0, world_size: int = 1
    ):
        if batch_size < world_size or batch_size % world_size:
            raise ValueError(f"batch_size {batch_size} must be a multiple of the number of processes, {world_size}.")
        self.sampler, self.batch_size, self.seed = sampler, batch_size, seed
        self.rank, self.world_size = rank, world_size
        self.shard_of = sampler.recordings.shard_of(np.arange(len(sampler.names)))
        self.cumulative = np.cumsum(sampler.probabilities)

    def __len__(self) -> int:
        return max(1, len(self.sampler.names) // self.batch_size)

    def pass_batches(self, number: int) -> np.ndarray:
        """All batches [len, batch_size] of a pass: numbers of recordings."""
        random = np.random.default_rng([self.seed, number])
        count = len(self) * self.batch_size
        points = (np.arange(count) + random.random()) / count * self.cumulative[-1]
        picks = np.searchsorted(self.cumulative, points).clip(max=len(self.sampler.names) - 1)
        shards = self.shard_of[picks]
        window = random.permutation(int(self.shard_of[-1]) + 1) // WINDOW
        order = np.lexsort((random.random(count), window[shards]))
        return picks[order].reshape(-1, self.batch_size)

    def read(self, start: int, count: int) -> list[np.ndarray]:
        """Batches of this rank from a position in the sequence on.

        Returns:
            For each batch pairs [batch_size / ranks, 2] of position and number of the recording.
        """
        batches: list[np.ndarray] = []
        while len(batches) < count:
            number, first = divmod(start + len(batches), len(self))
            found = self.pass_batches(number)[first : first + count - len(batches)]
            for row in found:
                positions = (start + len(batches)) * self.batch_size + np.arange(self.batch_size)
                batches.append(np.stack([positions, row], axis=1)[self.rank :: self.world_size])
        return batches


class ShardDataset(AbsDataset):
    """Training items by position and number of the recording; equal for every number of ranks and workers.

    Args:
        sampler: of the recordings.
        preprocessor: makes an item of a recording.
        seed: of all randomness.
    """

    def __init__(self, sampler: ShardSegmentSampler, preprocessor: StemPreprocessor, seed: int = 0):
        self.sampler, self.preprocessor, self.seed = sampler, preprocessor, seed

    def has_name(self, name: str) -> bool:
        """Whether the items have data of this name."""
        return name in self.names()

    def names(self) -> tuple[str, ...]:
        """Names of the data of an item."""
        return ("audio",)

    def __repr__(self) -> str:
        return f"ShardDataset({self.sampler}, {self.preprocessor})"

    def __getitem__(self, key: np.ndarray) -> tuple[str, dict[str, np.ndarray]]:
        """Id and data of an item; its id has the position, which its randomness depends on, and the recording."""
        position, index = (int(value) for value in key)
        rng = np.random.default_rng([self.seed, position])
        return f"{position}-{index}", self.preprocessor.training_item(index, rng)


class ShardIterFactory(AbsIterFactory):
    """Iterator of each epoch; epoch e continues where the one before ended, so that a training can be resumed.

    Args:
        dataset: of the items.
        batches: of all epochs.
        num_iters_per_epoch: batches of an epoch; None for a whole pass.
        num_workers: processes that read.
        collate_fn: of the batches.
        pin_memory: whether tensors are copied to pinned memory.
    """

    def __init__(
        self,
        dataset: ShardDataset,
        batches: ShardBatches,
        num_iters_per_epoch: int | None,
        num_workers: int,
        collate_fn: MixingCollate,
        pin_memory: bool = False,
    ):
        self.dataset, self.batches = dataset, batches
        self.count = num_iters_per_epoch or len(batches)
        self.num_workers, self.collate_fn, self.pin_memory = num_workers, collate_fn, pin_memory

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> DataLoader:
        """The batches of an epoch, counted from 1."""
        seed = self.batches.seed + epoch * max(self.num_workers, 1)
        return DataLoader(
            dataset=self.dataset,
            batch_sampler=self.batches.read((epoch - 1) * self.count, self.count),  # type: ignore[arg-type]
            num_workers=self.num_workers,
            collate_fn=self.collate_fn,
            pin_memory=self.pin_memory,
            worker_init_fn=partial(worker_init_fn, base_seed=seed),
        )
