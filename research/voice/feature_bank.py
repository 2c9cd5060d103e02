"""Batches of features: frames to be predicted, and a prompt of the same voice."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.voice.coordinates import relative_pitch
from research.tokens.audio_bank import AudioBank


class VoiceBatch(NamedTuple):
    """A batch.

    Attributes:
        content: [B, T, S] semantic features, some of them of perturbed recordings.
        pitch: [B, T, 3], see `relative_pitch`.
        target: [B, T, P] coordinates.
        prompt_content: [B, T', S].
        prompt: [B, T', P] coordinates.
        prompt_mask: [B, T', 1].
    """

    content: Tensor
    pitch: Tensor
    target: Tensor
    prompt_content: Tensor
    prompt: Tensor
    prompt_mask: Tensor


class FeatureBank(AudioBank):
    """Features of `prepare_features`, drawn as `AudioBank` draws samples.

    Args:
        folder: of the features.
        name: of the bank.
        weights: source -> factor of its probability.
        content_dim: S.
        parameters: P.
    """

    def __init__(
        self,
        folder: str | Path,
        name: str,
        weights: dict[str, float] | None = None,
        content_dim: int = 64,
        parameters: int = 42,
    ):
        lines = (Path(folder) / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        self._index([line.split("\t") for line in lines], weights)

        def read(kind: str, size: int) -> np.ndarray:
            return np.memmap(Path(folder) / f"{name}.{kind}", np.float16, "r").reshape(-1, size)

        self.content, self.perturbed = read("content", content_dim), read("perturbed", content_dim)
        self.coordinates = read("coordinates", parameters)

    def draw_voices(
        self, count: int, frames: int, prompt_frames: tuple[int, int], perturbed: float, random: np.random.Generator
    ) -> VoiceBatch:
        """A batch of `count` items.

        Args:
            count: B.
            frames: T.
            prompt_frames: smallest and largest length of a prompt.
            perturbed: probability of perturbed semantic features.
            random: of all draws.
        """
        longest = int(random.integers(prompt_frames[0], prompt_frames[1] + 1))
        items = []
        for _ in range(count):
            key = self.draw_key(random)
            segments = self._segments(key, frames, random, ())
            prompt = self._segments(key, longest, random, segments)
            source = self.perturbed if random.random() < perturbed else self.content
            coordinates = self._read(self.coordinates, segments)
            mask = torch.zeros(longest, 1)
            mask[: int(random.integers(prompt_frames[0], longest + 1))] = 1
            items.append(
                (self._read(source, segments), relative_pitch(coordinates), coordinates,
                 self._read(self.content, prompt), self._read(self.coordinates, prompt), mask)
            )  # fmt: skip
        return VoiceBatch(*(torch.stack(part) for part in zip(*items)))

    def _segments(
        self, key: tuple[str, str], frames: int, random: np.random.Generator, avoid: tuple | list
    ) -> list[tuple[int, int]]:
        """Ranges of frames of one label, `frames` in total, of other recordings than those of `avoid` if there are."""
        members, sums = self.members[key], self.within[key]
        taken, segments, missing = {start for start, _ in avoid}, [], frames
        while missing > 0:
            for _ in range(20):
                i = members[min(int(np.searchsorted(sums, random.random() * sums[-1], side="right")), len(members) - 1)]
                first, size = int(self.starts[i]), int(self.lengths[i])
                if not any(first <= start < first + size for start in taken):
                    break
            begin = first + int(random.integers(max(size - missing, 0) + 1))
            end = min(begin + missing, first + size)
            segments.append((begin, end))
            missing -= end - begin
        return segments

    @staticmethod
    def _read(values: np.ndarray, segments: list[tuple[int, int]]) -> Tensor:
        return torch.from_numpy(np.concatenate([values[a:b] for a, b in segments]).astype(np.float32))
