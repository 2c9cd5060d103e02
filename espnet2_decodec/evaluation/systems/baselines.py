"""Trivial baselines, which need no model."""

import torch
from torch import Tensor

from espnet2_decodec.evaluation.mixture_set import MixtureItem
from espnet2_decodec.evaluation.systems.base import System


class NoisyInput(System):
    """The mixture itself as estimate of its speech, of its background and of a remix."""

    def identity(self) -> dict[str, str]:
        """Its kind alone."""
        return {"kind": "mixture"}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> the same for both stems."""
        return {"speech": wav, "background": wav}

    def remix(self, item: MixtureItem, other: MixtureItem, sample_rate: int) -> Tensor:
        """The first mixture, unchanged."""
        return item.mixture


class Silence(System):
    """Zeros for both stems."""

    def identity(self) -> dict[str, str]:
        """Its kind alone."""
        return {"kind": "silence"}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> zeros for both stems."""
        return {"speech": torch.zeros_like(wav), "background": torch.zeros_like(wav)}
