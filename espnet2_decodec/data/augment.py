"""Random changes of sound, batched over [B, L]; all randomness is drawn from a `RandomColumns`."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


class RandomColumns:
    """Random numbers for each item of a batch, from one generator.

    Args:
        batch: B.
        device: of the numbers.
        generator: on that device; None for torch's default one.
    """

    def __init__(self, batch: int, device: torch.device, generator: Generator | None):
        self.batch, self.device, self.generator = batch, device, generator

    def uniform(self, low: float = 0.0, high: float = 1.0, width: int = 1) -> Tensor:
        """[B, width] in low..high."""
        return low + (high - low) * torch.rand(self.batch, width, device=self.device, generator=self.generator)

    def normal(self, width: int) -> Tensor:
        """[B, width] standard normal."""
        return torch.randn(self.batch, width, device=self.device, generator=self.generator)

    def bernoulli(self, probability: float) -> Tensor:
        """[B, 1] bool."""
        return self.uniform() < probability


def equalize(random: RandomColumns, wav: Tensor, apply: Tensor, depth: float = 9.0, bands: int = 8) -> Tensor:
    """Smooth random gains of up to +-depth dB over frequency, to the items where apply [B, 1] is True."""
    spectrum = torch.fft.rfft(wav)
    gains = random.uniform(-depth, depth, bands)
    curve = F.interpolate(gains[:, None], size=256, mode="linear", align_corners=True)[:, 0]
    # A warped frequency axis: half of the bands are in the lowest eighth of the spectrum.
    position = torch.linspace(0, 1, spectrum.shape[1], device=wav.device) ** (1 / 3) * 255
    curve = curve[:, position.long()]
    return torch.where(apply, torch.fft.irfft(spectrum * 10 ** (curve / 20), n=wav.shape[1]), wav)


def reverberate(random: RandomColumns, wav: Tensor, sample_rate: int, apply: Tensor, seconds: float = 0.4) -> Tensor:
    """Reverberation with exponentially decaying noise: T60 of 0.1 to 0.6 s, 3 to 20 dB below the direct sound."""
    length = int(seconds * sample_rate)
    time = torch.arange(length, device=wav.device) / sample_rate
    decay = torch.exp(-math.log(1000.0) * time / random.uniform(0.1, 0.6))
    response = random.normal(length) * decay * (time > 0.002)
    response = response / response.square().sum(1, keepdim=True).sqrt() * 10 ** (-random.uniform(3.0, 20.0) / 20)
    response[:, 0] = 1.0
    size = wav.shape[1] + length
    wet = torch.fft.irfft(torch.fft.rfft(wav, n=size) * torch.fft.rfft(response, n=size), n=size)
    return torch.where(apply, wet[:, : wav.shape[1]], wav)


def synthetic_noise(random: RandomColumns, length: int, sample_rate: int) -> Tensor:
    """Noise [B, length] of unit power with a spectral slope from white to brown, for some items with mains hum."""
    bins = length // 2 + 1
    frequency = torch.arange(1, bins + 1, device=random.device) / bins
    spectrum = torch.complex(random.normal(bins), random.normal(bins)) * frequency ** -random.uniform(0.0, 1.0)
    noise = torch.fft.irfft(spectrum, n=length)
    noise = noise / noise.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9)
    time = torch.arange(length, device=random.device) / sample_rate
    phase = 2 * math.pi * torch.where(random.bernoulli(0.5), 50.0, 60.0) * time + 6.28 * random.uniform()
    hum = sum((torch.sin(k * phase) / k for k in (1, 2, 3, 4, 5)), torch.zeros_like(phase))
    return noise + hum * random.uniform(0.3, 2.0) * random.bernoulli(0.3)


def clip(random: RandomColumns, wav: Tensor, apply: Tensor) -> Tensor:
    """Clipping at 1 to 3 times the RMS of wav [B, L], where apply [B, 1] is True."""
    limit = random.uniform(1.0, 3.0) * wav.square().mean(1, keepdim=True).sqrt()
    return torch.where(apply, torch.minimum(wav.abs(), limit) * wav.sign(), wav)


def random_lowpass(random: RandomColumns, sample_rate: int, apply: Tensor) -> Callable[[Tensor], Tensor]:
    """Low-pass filter with a random cutoff of 3 to 7.5 kHz, the same at every call; apply [B, 1]."""
    cutoff = random.uniform(3000.0, 7500.0)

    def lowpass(wav: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(wav)
        frequency = torch.linspace(0, sample_rate / 2, spectrum.shape[1], device=wav.device)
        gain = torch.sigmoid((cutoff - frequency) / 60.0)
        return torch.where(apply, torch.fft.irfft(spectrum * gain, n=wav.shape[1]), wav)

    return lowpass


def change_speed(wav: Tensor, length: int) -> Tensor:
    """[B, L] -> [B, length]: band-limited resampling, so that speed and pitch change by L / length."""
    spectrum = torch.fft.rfft(wav)
    bins = length // 2 + 1
    spectrum = spectrum[:, :bins] if spectrum.shape[1] >= bins else F.pad(spectrum, (0, bins - spectrum.shape[1]))
    return torch.fft.irfft(spectrum, n=length) * (length / wav.shape[1])
