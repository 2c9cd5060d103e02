"""How late a system answers, from the cross-correlation of a probe with what becomes of it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

LONGEST = 0.25
"""Seconds within which the delay is looked for."""

CLEAR = 0.3
"""The correlation that the best delay must reach."""

VOWELS = ((700, 1200, 2500), (300, 2300, 3000), (500, 1700, 2500), (350, 800, 2400), (600, 1000, 2600))
"""Hz of the resonances of the probe's syllables."""


def probe(sample_rate: int, seconds: float = 3.0) -> Tensor:
    """Something that a denoiser takes for speech: voiced syllables with a gliding pitch, [seconds * sample_rate]."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    pitch = 130 + 25 * np.sin(4.4 * time) + 8 * np.sin(19.5 * time + 1)
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    wav = np.zeros(len(time))
    syllable, within = np.divmod(time, 0.18)
    envelope = np.sqrt(np.sin(np.pi * within / 0.18)) * (syllable % 4 != 3)
    vowels = np.array(VOWELS)[syllable.astype(int) % len(VOWELS)]
    for harmonic in range(1, int(min(4000, sample_rate / 2) // pitch.max()) + 1):
        distance = (harmonic * pitch[:, None] - vowels) / 100
        wav += (1 / (1 + np.square(distance))).sum(1) * np.cos(harmonic * phase + harmonic**2)
    wav = wav * envelope
    return torch.from_numpy(0.3 * wav / np.abs(wav).max()).float()


def measure(process: Callable[[Tensor], Tensor], sample_rate: int) -> int:
    """By how many samples the output of `process` ([L] -> about [L]) lags behind its input.

    Raises:
        ValueError: if too little of the probe comes out to tell.
    """
    wav = probe(sample_rate)
    most = int(LONGEST * sample_rate)
    late, strength = lag(wav, process(torch.nn.functional.pad(wav, (0, most))), most)
    if strength < CLEAR:
        raise ValueError(
            f"The delay cannot be measured: the probe comes out with a correlation of {strength:.2f} only."
        )
    return late


def lag(reference: Tensor, late: Tensor, most: int) -> tuple[int, float]:
    """The shift of 0..most samples at which `late` [L'] is most like `reference` [L], and the correlation there."""
    size = 1 << (len(reference) + max(len(late), most)).bit_length()
    spectra = torch.fft.rfft(reference.double(), size).conj() * torch.fft.rfft(late.double(), size)
    correlation = torch.fft.irfft(spectra, size)[: most + 1].abs()
    best = int(correlation.argmax())
    energy = reference.double().square().sum() * late.double().square().sum()
    return best, (correlation[best] / energy.sqrt().clamp(min=1e-12)).item()
