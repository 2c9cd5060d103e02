"""Delay of a system, from the cross-correlation of a synthetic signal with its output."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

MAX_DELAY_SECONDS = 0.25
"""Longest delay that is found."""

MIN_CORRELATION = 0.3
"""Normalized correlation below which a delay is not accepted."""

FORMANTS_HZ = ((700, 1200, 2500), (300, 2300, 3000), (500, 1700, 2500), (350, 800, 2400), (600, 1000, 2600))
"""Of the vowels of the synthetic syllables."""


def synthetic_speech(sample_rate: int, seconds: float = 3.0) -> Tensor:
    """Synthetic voiced syllables with a gliding pitch, which denoisers pass as speech: [seconds * sample_rate]."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    pitch = 130 + 25 * np.sin(4.4 * time) + 8 * np.sin(19.5 * time + 1)
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    wav = np.zeros(len(time))
    syllable, within = np.divmod(time, 0.18)
    envelope = np.sqrt(np.sin(np.pi * within / 0.18)) * (syllable % 4 != 3)
    formants = np.array(FORMANTS_HZ)[syllable.astype(int) % len(FORMANTS_HZ)]
    for harmonic in range(1, int(min(4000, sample_rate / 2) // pitch.max()) + 1):
        distance = (harmonic * pitch[:, None] - formants) / 100
        wav += (1 / (1 + np.square(distance))).sum(1) * np.cos(harmonic * phase + harmonic**2)
    wav = wav * envelope
    return torch.from_numpy(0.3 * wav / np.abs(wav).max()).float()


def measure_delay(process: Callable[[Tensor], Tensor], sample_rate: int) -> int:
    """Samples by which the output of `process` ([L] -> about [L]) lags behind its input.

    Raises:
        ValueError: if the output has too low a correlation with the input.
    """
    wav = synthetic_speech(sample_rate)
    max_lag = int(MAX_DELAY_SECONDS * sample_rate)
    delay, correlation = find_lag(wav, process(torch.nn.functional.pad(wav, (0, max_lag))), max_lag)
    if correlation < MIN_CORRELATION:
        raise ValueError(
            f"The delay cannot be measured: input and output have a correlation of {correlation:.2f} only."
        )
    return delay


def find_lag(reference: Tensor, delayed: Tensor, max_lag: int) -> tuple[int, float]:
    """The lag of 0..max_lag samples of `delayed` [L'] behind `reference` [L], and the normalized correlation there."""
    size = 1 << (len(reference) + max(len(delayed), max_lag)).bit_length()
    spectra = torch.fft.rfft(reference.double(), size).conj() * torch.fft.rfft(delayed.double(), size)
    correlation = torch.fft.irfft(spectra, size)[: max_lag + 1].abs()
    best = int(correlation.argmax())
    energy = reference.double().square().sum() * delayed.double().square().sum()
    return best, (correlation[best] / energy.sqrt().clamp(min=1e-12)).item()
