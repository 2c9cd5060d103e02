"""What every semantic teacher offers: clean speech in, one vector a codec frame out."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

SAMPLE_RATE = 16000
HOP = 320  # samples a frame: the codec's own


class TeacherUnavailable(ValueError):
    """A teacher's weights, or the package that reads them, are not on this machine."""


class Teacher(nn.Module, ABC):
    """A frozen model that tells, frame by frame, what is said.

    The network is kept out of the module tree on purpose: it moves with ``.to(device)``, but checkpoints,
    optimizers and distributed wrappers never see it. It is always in evaluation mode and float32; use
    autocast to run it in bfloat16.

    Args:
        name: short name for logs and cards, e.g. ``whisper-512/4``.
        dim: size of the vector of one frame.
        network: the frozen network.
    """

    frame_rate = SAMPLE_RATE / HOP

    def __init__(self, name: str, dim: int, network: nn.Module):
        super().__init__()
        self.name = name
        self.dim = dim
        self._frozen = (network.eval().requires_grad_(False),)

    @property
    def network(self) -> nn.Module:
        """The frozen network."""
        return self._frozen[0]

    def train(self, mode: bool = True) -> "Teacher":
        """Stay in evaluation mode, whatever is asked for."""
        return super().train(False)

    def _apply(self, fn, recurse: bool = True) -> "Teacher":
        """Move the network to the device that ``.to()``, ``.cuda()`` and the like lead to."""
        self.network._apply(lambda tensor: tensor.to(fn(tensor).device))
        return super()._apply(fn, recurse)

    @torch.no_grad()
    def forward(self, wav: Tensor, frames: int | None = None) -> Tensor:
        """Describe clean speech on the codec's frames.

        Frame ``t`` is centred on the samples ``320 t .. 320 (t + 1)``. Teachers with attention look at the
        whole input, so zeros appended to a recording change all of its frames a little.

        Args:
            wav: ``[B, L]`` float in [-1, 1], 16 kHz.
            frames: number of frames wanted; None for ``ceil(L / 320)``. The input is cut or filled with zeros
                to fit.

        Returns:
            ``[B, dim, frames]`` float32, without gradient.

        Raises:
            ValueError: if the input is not ``[B, L]`` with at least one sample, or frames is below 1.
        """
        if wav.ndim != 2 or wav.shape[1] < 1:
            raise ValueError(f"a teacher wants audio of shape [B, L] with L >= 1, not {list(wav.shape)}")
        frames = -(-wav.shape[1] // HOP) if frames is None else frames
        if frames < 1:
            raise ValueError(f"a teacher gives at least one frame, {frames} were asked for")
        return self.features(wav.float(), frames).float()

    @abstractmethod
    def features(self, wav: Tensor, frames: int) -> Tensor:
        """Compute what :meth:`forward` returns, from checked arguments: ``[B, L] -> [B, dim, frames]``."""
