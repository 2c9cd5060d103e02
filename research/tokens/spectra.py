"""Short spectra: several sub-frames for every token frame, compressed in magnitude."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.overlap_add import frame_signal, weighted_overlap_add


class SubframeSTFT(nn.Module):
    """STFT of `subframes` windows in each frame of `hop` samples, stacked; and its inverse.

    Args:
        hop: samples per frame.
        subframes: S, a divisor of hop.
        n_fft: window length in samples, a multiple of hop / S whose difference from it is even.
        power: to which magnitudes are raised.
    """

    def __init__(self, hop: int = 320, subframes: int = 2, n_fft: int = 640, power: float = 0.5):
        super().__init__()
        if hop % subframes or n_fft % (hop // subframes):
            raise ValueError(
                f"hop {hop} must be a multiple of {subframes} sub-frames, and n_fft {n_fft} one of hop / sub-frames."
            )
        self.hop, self.subframes, self.n_fft, self.power = hop, subframes, n_fft, power
        self.hop_length, self.bins = hop // subframes, n_fft // 2 + 1
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    @property
    def reach(self) -> int:
        """Frames to each side that a frame's windows touch."""
        return -(-((self.n_fft - self.hop_length) // 2) // self.hop)

    def spectrum(self, wav: Tensor) -> Tensor:
        """Wav [B, T * hop] -> complex [B, T * S, F]; white noise of power 1 has about power 1 per bin."""
        return torch.fft.rfft(frame_signal(wav.float(), self.n_fft, self.hop_length) * self.window) * (
            2 / self.n_fft**0.5
        )

    def features(self, spectrum: Tensor) -> Tensor:
        """Complex [B, T * S, F] -> compressed real and imaginary parts, [B, T, S * 2 F]."""
        scale = (spectrum.abs().square() + 1e-10) ** ((self.power - 1) / 2)
        parts = torch.cat([spectrum.real * scale, spectrum.imag * scale], dim=-1)
        return parts.unflatten(1, (-1, self.subframes)).flatten(2)

    def expand(self, parts: Tensor) -> Tensor:
        """The inverse of `features`: [B, T, S * 2 F] -> complex [B, T * S, F]."""
        real, imaginary = parts.unflatten(2, (self.subframes, -1)).flatten(1, 2).chunk(2, dim=-1)
        scale = (real.square() + imaginary.square() + 1e-10) ** (0.5 / self.power - 0.5)
        return torch.complex(real * scale, imaginary * scale)

    def waveform(self, spectrum: Tensor, mask: Tensor | None = None) -> Tensor:
        """Complex [..., T * S, F], mask [B, T] of valid frames -> [..., T * hop]."""
        frames = torch.fft.irfft(spectrum, n=self.n_fft) * (self.window * (self.n_fft**0.5 / 2))
        valid = None if mask is None else mask.repeat_interleave(self.subframes, dim=1)
        return weighted_overlap_add(frames, self.window.square(), self.hop_length, valid)
