"""Random changes of sound, batched over [B, L], all randomness from one `draw` (see mixing)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def equalize(draw, wav: Tensor, chosen: Tensor, depth: float = 9.0, bands: int = 8) -> Tensor:
    """Smooth random gains of up to +-depth dB over frequency for the items where chosen [B, 1]."""
    spectrum = torch.fft.rfft(wav)
    gains = draw.uniform(-depth, depth, bands)
    curve = F.interpolate(gains[:, None], size=256, mode="linear", align_corners=True)[:, 0]
    # Spread the bands over a warped axis: half of them lie under an eighth of the band.
    position = torch.linspace(0, 1, spectrum.shape[1], device=wav.device) ** (1 / 3) * 255
    curve = curve[:, position.long()]
    return torch.where(chosen, torch.fft.irfft(spectrum * 10 ** (curve / 20), n=wav.shape[1]), wav)


def reverberate(draw, wav: Tensor, sample_rate: int, chosen: Tensor, seconds: float = 0.4) -> Tensor:
    """A room made of decaying noise: reverberation time 0.1 to 0.6 s, 3 to 20 dB under the direct sound."""
    length = int(seconds * sample_rate)
    time = torch.arange(length, device=wav.device) / sample_rate
    decay = torch.exp(-math.log(1000.0) * time / draw.uniform(0.1, 0.6))
    tail = draw.normal(length) * decay * (time > 0.002)
    tail = tail / tail.square().sum(1, keepdim=True).sqrt() * 10 ** (-draw.uniform(3.0, 20.0) / 20)
    tail[:, 0] = 1.0
    size = wav.shape[1] + length
    wet = torch.fft.irfft(torch.fft.rfft(wav, n=size) * torch.fft.rfft(tail, n=size), n=size)
    return torch.where(chosen, wet[:, : wav.shape[1]], wav)


def noise(draw, length: int, sample_rate: int) -> Tensor:
    """Unit-power noise [B, length] with a slope from white to brown, on some items with mains hum."""
    bins = length // 2 + 1
    frequency = torch.arange(1, bins + 1, device=draw.device) / bins
    spectrum = torch.complex(draw.normal(bins), draw.normal(bins)) * frequency ** -draw.uniform(0.0, 1.0)
    made = torch.fft.irfft(spectrum, n=length)
    made = made / made.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9)
    time = torch.arange(length, device=draw.device) / sample_rate
    tone = 2 * math.pi * torch.where(draw.chance(0.5), 50.0, 60.0) * time + 6.28 * draw.uniform()
    hum = sum(torch.sin(k * tone) / k for k in (1, 2, 3, 4, 5)) * draw.uniform(0.3, 2.0)
    return made + hum * draw.chance(0.3)


def clip(draw, wav: Tensor, chosen: Tensor) -> Tensor:
    """Samples cut off at 1 to 3 times the RMS [B, L], as by an input that is set too high, where chosen [B, 1]."""
    most = draw.uniform(1.0, 3.0) * wav.square().mean(1, keepdim=True).sqrt()
    return torch.where(chosen, torch.minimum(wav.abs(), most) * wav.sign(), wav)


def low_pass(draw, sample_rate: int, chosen: Tensor) -> Callable[[Tensor], Tensor]:
    """A filter with a random edge between 3 and 7.5 kHz, the same for every call; chosen [B, 1]."""
    edge = draw.uniform(3000.0, 7500.0)

    def apply(wav: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(wav)
        frequency = torch.linspace(0, sample_rate / 2, spectrum.shape[1], device=wav.device)
        gain = torch.sigmoid((edge - frequency) / 60.0)
        return torch.where(chosen, torch.fft.irfft(spectrum * gain, n=wav.shape[1]), wav)

    return apply


def change_speed(wav: Tensor, length: int) -> Tensor:
    """[B, L] -> [B, length]: band-limited resampling, so that speed and pitch change by L / length."""
    spectrum = torch.fft.rfft(wav)
    bins = length // 2 + 1
    spectrum = spectrum[:, :bins] if spectrum.shape[1] >= bins else F.pad(spectrum, (0, bins - spectrum.shape[1]))
    return torch.fft.irfft(spectrum, n=length) * (length / wav.shape[1])
