"""Segments of recordings in tar files: tables are mapped into memory, and only the samples of a segment are read."""

import json
import os
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from espnet2_decodec.data.segment_sampler import SegmentSampler
from espnet2_decodec.data.shard_writing import FORMAT, FRAMES, OFFSETS, SOURCES, WEIGHTS
from espnet2_decodec.io.pcm16 import from_pcm16

OPEN_FILES = 64
"""Tar files that each process keeps open."""


class ShardedRecordings:
    """A folder of shards that `write_shards` and `finish_shards` made.

    The tables are memory-mapped, so that all processes of a machine share them.

    Attributes:
        files: path of each shard.
        sample_rate: Hz.
        frames: [n] samples of each recording.

    Args:
        path: shards.json.

    Raises:
        ValueError: if it is damaged, or an array or a shard is missing or does not fit.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not self.path.is_file():
            raise ValueError(f"{path} is not there: write the shards first.")
        try:
            listed = json.loads(self.path.read_text(encoding="utf-8"))
            shards, self.sample_rate = listed["shards"], int(listed["sample_rate"])
            counts = np.array([int(count) for _, count in shards])
            self.files = [str(self.path.parent / name) for name, _ in shards]
            if listed["format"] != FORMAT or not len(shards) or counts.min() < 1:
                raise ValueError
        except (ValueError, KeyError, TypeError, UnicodeDecodeError):
            raise ValueError(f"{path} is not a list of shards of this version: write the shards again.") from None
        for file in self.files:
            if not os.path.isfile(file):
                raise ValueError(f"{path}: the shard {file} is missing.")
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self.frames, self._offsets = self._array(FRAMES), self._array(OFFSETS)
        self.sources, self.weights = self._array(SOURCES), self._array(WEIGHTS)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def _array(self, name: str) -> np.ndarray:
        """A table [n], mapped into memory."""
        try:
            array = np.load(self.path.parent / name, mmap_mode="r")
        except (OSError, ValueError):
            raise ValueError(f"{self.path.parent / name} is missing or damaged: write the shards again.") from None
        if array.shape != (len(self),):
            raise ValueError(f"{self.path.parent / name} has {array.shape[0]} rows in place of {len(self)}.")
        return array

    def shard_of(self, index: int | np.ndarray) -> np.ndarray:
        """Number of the shard of a recording, or of several."""
        return np.searchsorted(self.starts, index, side="right") - 1

    def place(self, index: int) -> str:
        """A recording for messages: its shard and its number there."""
        shard = int(self.shard_of(index))
        return f"{self.files[shard]}, recording {index - self.starts[shard] + 1}"

    def read(self, index: int, count: int, start: int = 0) -> np.ndarray:
        """Up to [count] float32 samples of a recording from a position on.

        Raises:
            ValueError: if the shard is cut off.
        """
        count = max(0, min(count, int(self.frames[index]) - start))
        file = _open(self.files[int(self.shard_of(index))], os.getpid())
        content = os.pread(file.number, 2 * count, int(self._offsets[index]) + 2 * start)
        if len(content) < 2 * count:
            raise ValueError(f"{self.place(index)} is cut off: write the shard again.")
        return from_pcm16(np.frombuffer(content, "<i2"))

    def probabilities(self, balance_exponent: float) -> np.ndarray:
        """Probability [n] of each recording: by its duration, its weight, and a power of its source's duration.

        Args:
            balance_exponent: 0 draws sources in proportion to their duration, 1 draws all uniformly.
        """
        seconds = self.frames / self.sample_rate
        totals = np.bincount(self.sources, seconds)
        shares = seconds * totals[self.sources] ** -balance_exponent * self.weights
        return shares / shares.sum()

    @cached_property
    def _by_source(self) -> tuple[np.ndarray, np.ndarray]:
        """Recordings [n] sorted by source, and the position [sources + 1] where each source begins."""
        order = np.argsort(self.sources, kind="stable").astype(np.int32)
        return order, np.concatenate([[0], np.cumsum(np.bincount(self.sources))])

    def members(self, index: int) -> Sequence[int]:
        """All recordings of the source of a recording."""
        order, starts = self._by_source
        source = int(self.sources[index])
        return order[starts[source] : starts[source + 1]]  # type: ignore[return-value]  # an array of integers


class ShardSegmentSampler(SegmentSampler[int]):
    """Segments from a folder of shards; recordings are drawn as by `DiskSegmentSampler`, their names are numbers.

    Args:
        path: shards.json.
        sample_rate: Hz that the recordings must have.
        pause: see `SegmentSampler`.
        balance_exponent: 0 draws sources in proportion to their duration, 1 draws all uniformly.

    Raises:
        ValueError: if the shards cannot be used, or have another sample rate.
    """

    def __init__(
        self,
        path: str | Path,
        sample_rate: int = 16000,
        pause: tuple[float, float] | None = None,
        balance_exponent: float = 0.5,
    ):
        self.recordings = ShardedRecordings(path)
        if self.recordings.sample_rate != sample_rate:
            raise ValueError(
                f"{path} has {self.recordings.sample_rate} Hz, the codec works at {sample_rate} Hz: convert it first."
            )
        probabilities = self.recordings.probabilities(balance_exponent)
        super().__init__(range(len(self.recordings)), probabilities, sample_rate, pause)

    def __repr__(self) -> str:
        return f"ShardSegmentSampler({len(self.names)} in {self.recordings.path})"

    def _frames(self, name: int) -> int:
        return int(self.recordings.frames[name])

    def _read(self, name: int, count: int, start: int = 0) -> np.ndarray:
        return self.recordings.read(name, count, start)

    def _members(self, name: int) -> Sequence[int]:
        return self.recordings.members(name)

    def _place(self, name: int) -> str:
        return self.recordings.place(name)


class _OpenFile:
    """An open file that is closed with the last reference, so that no thread closes what another one reads."""

    def __init__(self, path: str):
        self.number = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        os.close(self.number)


@lru_cache(maxsize=OPEN_FILES)
def _open(path: str, process: int) -> _OpenFile:
    """A file that is opened once in each process."""
    return _OpenFile(path)
