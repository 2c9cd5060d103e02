"""Batches of features: frames to be predicted, and a prompt of the same voice."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.voice.coordinates import relative_pitch
from research.feature_files import FrameBank


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


class FeatureBank(FrameBank):
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
        sizes = {"content": content_dim, "perturbed": content_dim, "coordinates": parameters}
        super().__init__(folder, name, sizes, weights)

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
            segments = self.draw_segments(key, frames, random)
            prompt = self.draw_segments(key, longest, random, segments)
            source = "perturbed" if random.random() < perturbed else "content"
            coordinates = self.read("coordinates", segments)
            mask = torch.zeros(longest, 1)
            mask[: int(random.integers(prompt_frames[0], longest + 1))] = 1
            items.append(
                (self.read(source, segments), relative_pitch(coordinates), coordinates,
                 self.read("content", prompt), self.read("coordinates", prompt), mask)
            )  # fmt: skip
        return VoiceBatch(*(torch.stack(part) for part in zip(*items)))
