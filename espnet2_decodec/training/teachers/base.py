"""The interface of semantic teachers: clean speech in, one feature vector per codec frame out."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class TeacherUnavailable(ValueError):
    """The weights of a teacher, or the package that reads them, are not installed."""


class Teacher(nn.Module, ABC):
    """A frozen model of the linguistic content of speech.

    The network is not a submodule: it moves with ``.to(device)``, but checkpoints, optimizers and distributed wrappers
    do not contain it. It is always in evaluation mode and float32; use autocast to run it in bfloat16.

    Args:
        name: short name for logs and model cards, e.g. ``whisper-512/4``.
        dim: C, features per frame.
        network: the frozen network.
        sample_rate: Hz of the input.
        hop: samples per frame.
    """

    def __init__(self, name: str, dim: int, network: nn.Module, sample_rate: int = 16000, hop: int = 320):
        super().__init__()
        self.name, self.dim = name, dim
        self.sample_rate, self.hop = sample_rate, hop
        self._frozen = (network.eval().requires_grad_(False),)

    @property
    def network(self) -> nn.Module:
        """The frozen network."""
        return self._frozen[0]

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    def train(self, mode: bool = True) -> "Teacher":
        """Stay in evaluation mode."""
        return super().train(False)

    def _apply(self, fn, recurse: bool = True) -> "Teacher":
        """Move the network to the device that ``.to()``, ``.cuda()`` and the like lead to."""
        self.network._apply(lambda tensor: tensor.to(fn(tensor).device))
        return super()._apply(fn, recurse)

    @torch.no_grad()
    def forward(self, wav: Tensor, frames: int | None = None) -> Tensor:
        """Features of clean speech on the codec's frames.

        Frame ``t`` is centered on the samples ``hop * t .. hop * (t + 1)``. Teachers with attention depend on the whole
        input, so zeros appended to a recording change all of its frames a little.

        Args:
            wav: ``[B, L]`` float in [-1, 1].
            frames: T; None for ``ceil(L / hop)``. The input is cut or padded with zeros to fit.

        Returns:
            ``[B, C, T]`` float32, without gradient.

        Raises:
            ValueError: if the input is not ``[B, L]`` with at least one sample, or frames is below 1.
        """
        if wav.ndim != 2 or wav.shape[1] < 1:
            raise ValueError(f"A teacher needs audio of shape [B, L] with L >= 1, not {list(wav.shape)}.")
        frames = -(-wav.shape[1] // self.hop) if frames is None else frames
        if frames < 1:
            raise ValueError(f"A teacher gives at least one frame, not {frames}.")
        return self.features(wav.float(), frames).float()

    @abstractmethod
    def features(self, wav: Tensor, frames: int) -> Tensor:
        """Compute the result of :meth:`forward` for valid arguments: ``[B, L] -> [B, C, frames]``."""
