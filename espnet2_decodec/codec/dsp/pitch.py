"""Fundamental frequency (f0) and voicing of a stem, estimated from its spectrum, as two coordinates of the latent."""

import math

import torch
from torch import Tensor, nn


class PitchEstimator(nn.Module):
    """Normalized autocorrelation of each frame, divided by that of the window (Boersma, 1993).

    Args:
        sample_rate: Hz.
        window: [n_fft], the analysis window of the frames.
        f0_min, f0_max: range of f0 in Hz.

    Raises:
        ValueError: if the frames are too short for f0_min.
    """

    f0_reference = 150.0
    """f0 in Hz at which the first coordinate is zero."""

    octave_scale, voicing_scale = 0.4, 0.2
    """Change of the first coordinate per octave, and value of the second one at a voicing of 1."""

    voicing_threshold = 0.45
    """Normalized autocorrelation at the period above which a frame is voiced."""

    cutoff = 1800.0
    """Highest frequency in Hz that is taken into account; higher harmonics of running speech are less periodic."""

    power_floor = 1e-7
    """Mean power per bin that counts as silence."""

    octave_cost = 0.02
    """Autocorrelation that a candidate loses per octave below f0_max, since multiples of a period are periods, too."""

    spectrum_to_acf: Tensor
    power_weight: Tensor
    lag_penalty: Tensor

    def __init__(self, sample_rate: int, window: Tensor, f0_min: float = 65.0, f0_max: float = 400.0):
        super().__init__()
        self.sample_rate, self.n_fft = sample_rate, len(window)
        self.lags = range(int(sample_rate / f0_max), math.ceil(sample_rate / f0_min) + 1)
        if self.lags.stop + 1 > self.n_fft // 2:
            raise ValueError(f"An f0 of {f0_min} Hz needs frames longer than {self.n_fft} samples at {sample_rate} Hz.")
        frequencies = torch.fft.rfftfreq(self.n_fft, 1 / sample_rate)
        frequencies = frequencies[frequencies < self.cutoff]
        lowpass = torch.clamp((self.cutoff - frequencies) / 600, 0, 1)
        lags = torch.arange(self.lags.start - 1, self.lags.stop + 1)
        window_acf = torch.fft.irfft(torch.fft.rfft(window).abs().square(), n=self.n_fft)
        window_acf = window_acf[lags] / window_acf[0]
        weight = torch.full_like(frequencies, 2.0)
        weight[0] = 1.0
        # Power spectrum [F] -> autocorrelation at the lags [F, lags], and at lag 0 [F].
        cosines = torch.cos(2 * math.pi / self.n_fft * torch.arange(len(frequencies))[:, None] * lags)
        self.register_buffer("spectrum_to_acf", (weight * lowpass)[:, None] * cosines / window_acf, persistent=False)
        self.register_buffer("power_weight", weight * lowpass, persistent=False)
        lag_penalty = self.octave_cost * torch.log2(self.lags.start / lags[1:-1].float())
        self.register_buffer("lag_penalty", lag_penalty, persistent=False)

    @torch.no_grad()
    def forward(self, powers: Tensor) -> Tensor:
        """Power spectra [..., F] -> log f0 and voicing [..., 2], both zero in unvoiced frames."""
        powers = powers[..., : len(self.power_weight)]
        total = powers @ self.power_weight
        acf = (powers @ self.spectrum_to_acf) / (total + self.power_floor * self.n_fft)[..., None]
        _, peak = (acf[..., 1:-1] + self.lag_penalty).max(-1, keepdim=True)
        before, at, after = (acf.gather(-1, peak + i) for i in range(3))
        curvature = (before - 2 * at + after).clamp(max=-1e-6)
        offset = (0.5 * (before - after) / curvature).clamp(-0.5, 0.5)
        f0 = self.sample_rate / (self.lags.start + peak + offset)
        voicing = at.clamp(0, 1) * (at > self.voicing_threshold)
        log_f0 = self.octave_scale * torch.log2(f0 / self.f0_reference) * (voicing > 0)
        return torch.cat([log_f0, self.voicing_scale * voicing], dim=-1)

    def decode(self, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        """Log f0 and voicing [..., 2] -> f0 in Hz [...], and whether a frame is voiced [...] bool."""
        log_f0, voicing = coordinates.float().unbind(-1)
        low, high = (math.log2(f0 / self.f0_reference) for f0 in (50, 500))
        octaves = (log_f0 / self.octave_scale).clamp(low, high)
        return self.f0_reference * torch.exp2(octaves), voicing > 0.5 * self.voicing_threshold * self.voicing_scale
