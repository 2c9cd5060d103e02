"""The base of all denoisers: their output is the speech, the mixture less their output the background."""

from abc import abstractmethod
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System
from espnet2_decodec.evaluation.systems.delay import measure_delay
from espnet2_decodec.evaluation.systems.identity import hash_source


class Denoiser(System):
    """A denoiser with a delay that is measured once, see `measure_delay`; it has no bit rate."""

    @cached_property
    def delay(self) -> int:
        """Samples at `sample_rate` by which the denoised speech lags behind."""
        return measure_delay(self._speech, self.sample_rate)

    @abstractmethod
    def denoise(self, wav: np.ndarray) -> np.ndarray:
        """Speech [about L] of a mixture [L] float32, each time from a fresh state."""

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> speech only."""
        return {"speech": self._speech(wav)}

    def __call__(self, mixture: Tensor, sample_rate: int) -> dict[str, Tensor]:
        """Mixture [L] -> speech [L], and the mixture less that speech as background [L]."""
        estimates = super().__call__(mixture, sample_rate)
        return estimates | {"background": mixture - estimates["speech"]}

    def _speech(self, wav: Tensor) -> Tensor:
        return torch.from_numpy(self.denoise(np.ascontiguousarray(wav.numpy(), dtype=np.float32)))


def split_frames(wav: np.ndarray, size: int) -> np.ndarray:
    """[L] -> [T, size], the last frame padded with zeros."""
    return np.pad(wav, (0, -len(wav) % size)).reshape(-1, size)


def hash_denoiser_source(file: str) -> str:
    """`hash_source` of a denoiser in `file` and of the code that all denoisers share."""
    return hash_source(*(f"evaluation/systems/{name}" for name in (file, "denoiser.py", "delay.py")))
