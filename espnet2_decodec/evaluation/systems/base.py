"""What every system is: a name, a bit rate or none, and a function from a mixture to its parts."""

from abc import ABC, abstractmethod

import numpy as np
import soxr
import torch
from torch import Tensor

TARGETS = ("speech", "background", "mixture")
"""What a system may answer with, in the order of the tables."""


class Unavailable(Exception):
    """A system cannot be had here; the message says what is missing and what to install."""


class System(ABC):
    """A codec, a denoiser, a chain of them, or a trivial answer.

    Attributes:
        sample_rate: Hz that it works at; other rates are converted.
        delay: samples at that rate by which its output lags behind the input; they are taken off.
    """

    sample_rate: int = 16000
    delay: int = 0

    def kbps(self, target: str) -> float | None:
        """Bit rate in kbit/s of what is needed for this target; None for a system that codes nothing."""
        return None

    @abstractmethod
    def identity(self) -> dict[str, str]:
        """All that the answers depend on beside the mixture: kind and settings, hashes of files, versions."""

    @abstractmethod
    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """Wav [L] at `sample_rate` -> some of `TARGETS`, each about [L] and `delay` samples late."""

    @torch.no_grad()
    def __call__(self, mixture: Tensor, sample_rate: int) -> dict[str, Tensor]:
        """Mixture [L] at `sample_rate` Hz -> some of `TARGETS`, each [L], aligned with the mixture.

        Raises:
            ValueError: if the system answers with samples that are not finite.
        """
        wav = convert(mixture, sample_rate, self.sample_rate)
        late = self.process(torch.nn.functional.pad(wav, (0, self.delay)))
        answers = {}
        for target in TARGETS:
            if target in late:
                answer = fit(late[target].detach().float().cpu()[self.delay :], len(wav))
                answers[target] = fit(convert(answer, self.sample_rate, sample_rate), len(mixture))
                if not torch.isfinite(answers[target]).all():
                    raise ValueError(f"The {target} has samples that are not finite.")
        return answers


def convert(wav: Tensor, source: int, target: int) -> Tensor:
    """[L] at `source` Hz -> [about L * target / source] at `target` Hz, without delay; the same tensor at equal rates."""
    if source == target:
        return wav
    return torch.from_numpy(soxr.resample(np.ascontiguousarray(wav.numpy()), source, target, quality="HQ"))


def fit(wav: Tensor, length: int) -> Tensor:
    """[L] -> [length]: cut, or filled up with zeros."""
    return torch.nn.functional.pad(wav[:length], (0, max(0, length - len(wav))))
