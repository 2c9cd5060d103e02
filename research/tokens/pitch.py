"""Pitch as two coordinates of the latent, from which quantizer and decoder know the harmonics."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.excitation import Excitation
from espnet2_decodec.codec.dsp.mdct import mdct_matrix
from espnet2_decodec.codec.dsp.overlap_add import frame_signal, weighted_overlap_add
from espnet2_decodec.codec.dsp.pitch import PitchEstimator


class PitchCoordinates(nn.Module):
    """Fixed maps between waveform, pitch coordinates, a comb over MDCT bands, and pulses.

    Args:
        bands: E, of the comb.
        hop: samples per frame.
        f0_scale, voicing_scale: factors of the coordinates of `PitchEstimator`.
        depth: of the comb, in nepers; it fades out between 800 and 1600 Hz, where f0 is no longer exact enough.
    """

    window: Tensor
    factors: Tensor
    angular_frequency: Tensor
    comb_depth: Tensor
    mdct: Tensor
    mdct_window: Tensor

    def __init__(
        self, bands: int, hop: int = 320, f0_scale: float = 16.0, voicing_scale: float = 5.0, depth: float = 0.5
    ):
        super().__init__()
        self.hop, self.n_fft = hop, 3 * hop
        window = torch.hann_window(self.n_fft)
        self.estimator, self.excitation = PitchEstimator(16000, window), Excitation(16000, hop)
        frequencies = (torch.arange(bands) + 0.5) * 8000 / hop
        mdct = mdct_matrix(hop)
        for name, value in {
            "window": window,
            "factors": torch.tensor([f0_scale, voicing_scale]),
            "angular_frequency": 2 * torch.pi * frequencies,
            "comb_depth": depth * (2 - frequencies / 800).clamp(0, 1),
            "mdct": mdct,
            "mdct_window": mdct.square().sum(1),
        }.items():
            self.register_buffer(name, value, persistent=False)

    @torch.no_grad()
    def coordinates(self, wav: Tensor) -> Tensor:
        """Wav [B, T * hop] -> [B, T, 2]."""
        frames = frame_signal(wav.float(), self.n_fft, self.hop) * self.window
        spectrum = torch.fft.rfft(frames) * (2 / self.n_fft**0.5)
        return self.estimator(spectrum.real.square() + spectrum.imag.square()) * self.factors

    def f0(self, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates [..., 2] -> f0 in Hz [...], and whether a frame is voiced [...] bool."""
        return self.estimator.decode(coordinates.detach().float() / self.factors)

    @torch.no_grad()
    def comb(self, coordinates: Tensor) -> Tensor:
        """Coordinates [..., 2] -> log magnitudes [..., E] of a comb at the harmonics, 0 in unvoiced frames."""
        f0, voiced = self.f0(coordinates)
        return self.comb_depth * voiced[..., None] * torch.cos(self.angular_frequency / f0[..., None])

    def pulses(self, coordinates: Tensor, gains: Tensor, mask: Tensor | None) -> Tensor:
        """Pulses at f0 from coordinates [B, T, 2], with gains of the MDCT bands [B, T, hop] -> wav [B, T * hop]."""
        f0, voiced = (x[..., None] for x in self.f0(coordinates))
        phase = self.excitation.advance_phase(f0, voiced, None)[0]
        frames = self.excitation(f0, voiced, phase, mask)[0][:, :, 0]
        return weighted_overlap_add((frames * gains) @ self.mdct.T, self.mdct_window, self.hop, mask)
