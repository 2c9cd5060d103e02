"""Answers that need no system."""

import torch
from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System


class Untouched(System):
    """The mixture itself, taken for its speech and for its background."""

    def identity(self) -> dict[str, str]:
        """Its kind is all."""
        return {"kind": "mixture"}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> the same as both stems."""
        return {"speech": wav, "background": wav}


class Silence(System):
    """Nothing, for either stem."""

    def identity(self) -> dict[str, str]:
        """Its kind is all."""
        return {"kind": "silence"}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> zeros for both stems."""
        return {"speech": torch.zeros_like(wav), "background": torch.zeros_like(wav)}
