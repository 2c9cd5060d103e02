"""Memory-mapped recordings of `research.tokens.prepare_data`, drawn by source, then label, then recording."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class AudioBank:
    """Segments of one bank.

    Args:
        folder: of the banks.
        name: of the bank.
        weights: source, or source/label -> factor of its probability; 1 for those left out.
        noisy: the same factor for recordings with the remark `noisy`.
        balance: 0 draws sources and labels in proportion to their duration, 1 uniformly.
    """

    def __init__(
        self,
        folder: str | Path,
        name: str,
        weights: dict[str, float] | None = None,
        noisy: float = 0.3,
        balance: float = 0.5,
    ):
        self.samples = np.memmap(Path(folder) / f"{name}.int16", np.int16, "r")
        lines = (Path(folder) / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        self._index([line.split("\t") for line in lines], weights, noisy, balance)

    def _index(
        self, rows: list[list[str]], weights: dict[str, float] | None, noisy: float = 0.3, balance: float = 0.5
    ) -> None:
        """Set what is drawn by; arguments as for the class."""
        self.rows = rows
        self.starts = np.array([int(row[0]) for row in rows])
        self.lengths = np.array([int(row[1]) for row in rows])
        self.members: dict[tuple[str, str], list[int]] = defaultdict(list)
        for i, row in enumerate(rows):
            self.members[row[3], row[2]].append(i)
        self.keys = list(self.members)
        totals = {key: float(self.lengths[self.members[key]].sum()) for key in self.keys}
        by_source: dict[str, float] = defaultdict(float)
        label_shares: dict[str, float] = defaultdict(float)
        for (source, _), total in totals.items():
            by_source[source] += total
            label_shares[source] += total ** (1 - balance)
        shares, given = [], weights or {}
        for source, label in self.keys:
            factor = noisy if rows[self.members[source, label][0]][4] == "noisy" else 1.0
            share = totals[source, label] ** (1 - balance) / label_shares[source]
            weight = given.get(source, 1.0) * given.get(f"{source}/{label}", 1.0)
            shares.append(by_source[source] ** (1 - balance) * weight * factor * share)
        self.cumulative = np.cumsum(shares) / np.sum(shares)
        self.within = {key: np.cumsum(self.lengths[self.members[key]]) for key in self.keys}

    def draw_key(self, random: np.random.Generator) -> tuple[str, str]:
        """Source and label."""
        return self.keys[min(int(np.searchsorted(self.cumulative, random.random())), len(self.keys) - 1)]

    def draw_recording(self, key: tuple[str, str], random: np.random.Generator) -> int:
        """Number of a recording of a source and label, in proportion to its duration."""
        members, sums = self.members[key], self.within[key]
        return members[min(int(np.searchsorted(sums, random.random() * sums[-1], side="right")), len(members) - 1)]

    def segment(self, length: int, random: np.random.Generator) -> np.ndarray:
        """[length] float32; another recording of the label follows where one ends."""
        key = self.draw_key(random)
        parts, missing = [], length
        while missing > 0:
            i = self.draw_recording(key, random)
            size = int(self.lengths[i])
            begin = int(random.integers(max(size - missing, 0) + 1)) if not parts else 0
            part = self.samples[self.starts[i] + begin : self.starts[i] + min(begin + missing, size)]
            parts.append(part)
            missing -= len(part)
        return np.concatenate(parts).astype(np.float32) / 32768

    def draw(self, count: int, length: int, random: np.random.Generator) -> Tensor:
        """[count, length] float32."""
        return torch.from_numpy(np.stack([self.segment(length, random) for _ in range(count)]))

    def recording(self, i: int) -> Tensor:
        """The i-th recording [L] float32."""
        return torch.from_numpy(
            self.samples[self.starts[i] : self.starts[i] + self.lengths[i]].astype(np.float32) / 32768
        )
