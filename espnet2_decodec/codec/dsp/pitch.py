"""The pitch of a stem: fundamental frequency and voicing, read off its spectrum, as two coordinates of the latent."""

import math

import torch
from torch import Tensor, nn


class Pitch(nn.Module):
    """Autocorrelation of each frame, divided by that of the window (Boersma, 1993).

    Args:
        sample_rate: Hz.
        window: [n_fft] under which the frames were taken.
        lowest, highest: f0 in Hz.
    """

    reference, octave, voicing = 150.0, 0.4, 0.2
    """Hz at which the first coordinate is zero, and how long an octave, and a voicing of 1, are as coordinates."""

    threshold = 0.45
    """Share of a frame's power that repeats after a period, from which on it is voiced."""

    top = 1800.0
    """Hz up to which harmonics are looked at; further up they are out of step in running speech."""

    floor = 1e-7
    """Power of a frame, as the mean over its bins, that is nothing."""

    def __init__(self, sample_rate: int, window: Tensor, lowest: float = 65.0, highest: float = 400.0):
        super().__init__()
        self.sample_rate, self.n_fft = sample_rate, len(window)
        self.lags = range(int(sample_rate / highest), math.ceil(sample_rate / lowest) + 1)
        if self.lags.stop + 1 > self.n_fft // 2:
            raise ValueError(
                f"A pitch of {lowest} Hz needs frames longer than {self.n_fft} samples at {sample_rate} Hz."
            )
        frequencies = torch.fft.rfftfreq(self.n_fft, 1 / sample_rate)
        frequencies = frequencies[frequencies < self.top]
        taken = torch.clamp((self.top - frequencies) / 600, 0, 1)
        lags = torch.arange(self.lags.start - 1, self.lags.stop + 1)
        shape = torch.fft.irfft(torch.fft.rfft(window).abs().square(), n=self.n_fft)
        shape = shape[lags] / shape[0]
        weights = torch.full_like(frequencies, 2.0)
        weights[0] = 1.0
        # Power spectrum [F] -> autocorrelation at the lags [F, lags], and at none.
        waves = torch.cos(2 * math.pi / self.n_fft * torch.arange(len(frequencies))[:, None] * lags)
        self.register_buffer("correlate", (weights * taken)[:, None] * waves / shape, persistent=False)
        self.register_buffer("power", weights * taken, persistent=False)
        # Twice the period repeats as well: the shorter one wins a draw.
        self.register_buffer("advantage", 0.02 * torch.log2(self.lags.start / lags[1:-1].float()), persistent=False)

    @torch.no_grad()
    def forward(self, powers: Tensor) -> Tensor:
        """Power spectra [..., F] -> coordinates [..., 2]: log f0 and voicing, both zero where there is no pitch."""
        powers = powers[..., : len(self.power)]
        total = powers @ self.power
        values = (powers @ self.correlate) / (total + self.floor * self.n_fft)[..., None]
        _, peak = (values[..., 1:-1] + self.advantage).max(-1, keepdim=True)
        before, at, after = (values.gather(-1, peak + i) for i in range(3))
        bend = (before - 2 * at + after).clamp(max=-1e-6)
        shift = (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
        frequency = self.sample_rate / (self.lags.start + peak + shift)
        strength = at.clamp(0, 1) * (at > self.threshold)
        tone = self.octave * torch.log2(frequency / self.reference) * (strength > 0)
        return torch.cat([tone, self.voicing * strength], dim=-1)

    def frequency(self, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates [..., 2] -> f0 in Hz [...], and whether there is one [...] bool."""
        tone, strength = coordinates.float().unbind(-1)
        octaves = (tone / self.octave).clamp(math.log2(50 / self.reference), math.log2(500 / self.reference))
        return self.reference * torch.exp2(octaves), strength > 0.5 * self.threshold * self.voicing
