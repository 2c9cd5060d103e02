"""The interface of a system: a name, a bit rate or none, and a function from a mixture to estimates of its stems."""

from abc import ABC, abstractmethod

import numpy as np
import soxr
import torch
from torch import Tensor

from espnet2_decodec.evaluation.mixture_set import MixtureItem

TARGETS = ("speech", "background", "mixture", "remix")
"""What is estimated, in the order of the tables: stems, the mixture itself, and the speech over another background."""


class Unavailable(Exception):
    """A system cannot be used here; the message names what is missing and what to install."""


class System(ABC):
    """A codec, a denoiser, a cascade of them, or a trivial baseline.

    Attributes:
        sample_rate: Hz that it works at; other rates are resampled.
    """

    sample_rate: int = 16000

    @property
    def frame_rate(self) -> float | None:
        """Frames a second of the codes; None for a system that codes nothing, or whose rate is unknown."""
        return None

    @property
    def delay(self) -> int:
        """Samples at `sample_rate` by which the output of `process` lags behind; `__call__` compensates for it."""
        return 0

    def describe(self) -> str:
        """The model in words; empty for a system without one."""
        return ""

    def kbps(self, target: str) -> float | None:
        """Bit rate in kbit/s of what is needed for this target; None for a system that codes nothing."""
        return None

    def to(self, device: str) -> "System":
        """Move the system to a device, if it can run elsewhere than on the CPU."""
        return self

    @abstractmethod
    def identity(self) -> dict[str, str]:
        """All that the estimates depend on beside the mixture: kind and settings, hashes of files, versions."""

    @abstractmethod
    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """Wav [L] at `sample_rate` -> estimates of some of `TARGETS`, each about [L] and `delay` samples late."""

    @torch.no_grad()
    def __call__(self, mixture: Tensor, sample_rate: int) -> dict[str, Tensor]:
        """Mixture [L] at `sample_rate` Hz -> estimates of some of `TARGETS`, each [L], aligned with the mixture.

        Raises:
            ValueError: if an estimate has samples that are not finite.
        """
        wav = resample(mixture, sample_rate, self.sample_rate)
        delayed = self.process(torch.nn.functional.pad(wav, (0, self.delay)))
        estimates = {}
        for target in TARGETS:
            if target in delayed:
                estimate = fit_length(delayed[target].detach().float().cpu()[self.delay :], len(wav))
                estimates[target] = fit_length(resample(estimate, self.sample_rate, sample_rate), len(mixture))
                if not torch.isfinite(estimates[target]).all():
                    raise ValueError(f"The {target} has samples that are not finite.")
        return estimates

    def estimate(self, item: MixtureItem, sample_rate: int) -> dict[str, Tensor]:
        """Estimates of a test mixture, as `__call__` gives them; upper bounds may use its true stems."""
        return self(item.mixture, sample_rate)

    def remix(self, item: MixtureItem, other: MixtureItem, sample_rate: int) -> Tensor | None:
        """The speech of one test mixture over the background of another, looped: [L]; None if it cannot remix."""
        return None


def resample(wav: Tensor, source_rate: int, target_rate: int) -> Tensor:
    """[L] -> [about L * target_rate / source_rate], without delay; the same tensor at equal rates."""
    if source_rate == target_rate:
        return wav
    return torch.from_numpy(soxr.resample(np.ascontiguousarray(wav.numpy()), source_rate, target_rate, quality="HQ"))


def fit_length(wav: Tensor, length: int) -> Tensor:
    """[L] -> [length]: cut, or padded with zeros."""
    return torch.nn.functional.pad(wav[:length], (0, max(0, length - len(wav))))
