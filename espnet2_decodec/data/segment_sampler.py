"""Random segments of recordings that need not fit in memory; further recordings of a source follow a short one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Generator, Tensor

from espnet2_decodec.io.audio import check_samples

Name = TypeVar("Name")
"""Of a recording: its id, or its number."""
PAUSE = (0.1, 0.4)
"""Seconds of the silence between two joined recordings of a speaker, in training."""


class SegmentSampler(ABC, Generic[Name]):
    """Draws recordings, and segments of them.

    Attributes:
        names: of all recordings.
        probabilities: [n] of the recordings.

    Args:
        names: of all recordings.
        probabilities: [n] of the recordings; they sum to 1.
        sample_rate: Hz of all recordings.
        pause: range in seconds of the silence between two joined recordings of a source; the only recording of its
            source is then followed by silence. None joins without silence, and repeats the only recording.
    """

    def __init__(
        self, names: Sequence[Name], probabilities: np.ndarray, sample_rate: int, pause: tuple[float, float] | None
    ):
        self.names, self.probabilities = names, probabilities
        self.sample_rate, self.pause = sample_rate, pause
        self._cumulative = probabilities.cumsum()

    def draw(self, rng: np.random.Generator) -> Name:
        """Name of a random recording, with the probabilities `probabilities`."""
        index = int(np.searchsorted(self._cumulative, rng.random()))
        return self.names[min(index, len(self.names) - 1)]

    def segment(
        self, name: Name, length: int, rng: np.random.Generator, samples: np.ndarray | None = None
    ) -> np.ndarray:
        """[length] float32 from a random position; further recordings of the same source follow a short one.

        Args:
            name: of the recording.
            length: in samples.
            rng: source of all randomness.
            samples: [L] of the recording, if they were read already.

        Raises:
            ValueError: if a file is empty or has another sample rate.
        """
        if samples is None:
            start = self._start(name, self._frames(name), length, rng)
            first = self._read(name, length, start)
        else:
            start = self._start(name, len(samples), length, rng)
            first = samples[start : start + length]
            check_samples(self._place(name), first, self.sample_rate)
        parts, missing = [first], length - len(first)
        while missing > 0:
            parts.append(self._continuation(name, missing, rng))
            missing -= len(parts[-1])
        return np.concatenate(parts).astype(np.float32)[:length]

    @abstractmethod
    def _frames(self, name: Name) -> int:
        """Number of samples of a recording."""

    @abstractmethod
    def _read(self, name: Name, count: int, start: int = 0) -> np.ndarray:
        """Up to [count] float32 samples of a recording from a position on."""

    @abstractmethod
    def _members(self, name: Name) -> Sequence[Name]:
        """All recordings of the source of a recording."""

    @abstractmethod
    def _place(self, name: Name) -> str:
        """The recording for messages: its file."""

    def _start(self, name: Name, total: int, length: int, rng: np.random.Generator) -> int:
        """Random start of a segment of `length` in a recording of `total` samples."""
        if not total:
            raise ValueError(f"{self._place(name)} holds no samples.")
        return int(rng.integers(total - length + 1 if total >= length else total))

    def _continuation(self, name: Name, missing: int, rng: np.random.Generator) -> np.ndarray:
        """Samples that follow recording `name`: a pause and another recording of its source, or silence."""
        members = self._members(name)
        if self.pause is None:
            part = self._read(members[int(rng.integers(len(members)))], missing)
        elif len(members) == 1:
            part = np.zeros(missing, np.float32)
        else:
            silence = np.zeros(int(rng.uniform(*self.pause) * self.sample_rate), np.float32)
            part = np.concatenate([silence, self._read(members[int(rng.integers(len(members)))], missing)])
        if not len(part):
            raise ValueError(f"A recording of the source of {self._place(name)} holds no samples.")
        return part


class SegmentSource(Protocol):
    """Source of segments for the plain training loop."""

    def draw(self, count: int, length: int, generator: Generator | None = None) -> Tensor:
        """Random segments [count, length] float."""


class SegmentReader:
    """Segments of recordings that are read when they are drawn, for the plain training loop.

    Args:
        sampler: of the recordings.
        device: of the segments.
        threads: that read.
    """

    def __init__(self, sampler: SegmentSampler, device: torch.device | str = "cpu", threads: int = 4):
        self.sampler, self.device, self.pool = sampler, device, ThreadPoolExecutor(threads)

    def draw(self, count: int, length: int, generator: Generator | None = None) -> Tensor:
        """Random segments [count, length] float.

        Raises:
            ValueError: if a recording cannot be read.
        """
        device = "cpu" if generator is None else generator.device
        seeds = torch.randint(2**62, (count,), device=device, generator=generator).tolist()
        return torch.from_numpy(np.stack(list(self.pool.map(lambda seed: self._read(seed, length), seeds)))).to(
            self.device
        )

    def _read(self, seed: int, length: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return self.sampler.segment(self.sampler.draw(rng), length, rng)
