"""A backbone at the frame rate: STFT, ConvNeXt blocks, inverse STFT, as in Vocos (Siuzdak, 2023, arXiv 2306.00814)."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import Backbone
from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.dsp.overlap_add import frame_signal, weighted_overlap_add


class SpectralBackbone(Backbone):
    """STFT -> ConvNeXt -> latent, latent -> ConvNeXt -> inverse STFT.

    Frame t is centered on samples t * hop .. (t + 1) * hop.

    Args:
        dim: D.
        hop: samples per frame.
        n_fft: window length in samples, an odd multiple of hop from 3 on.
        channels: C of the ConvNeXt blocks.
        encoder_blocks, decoder_blocks: numbers of blocks.
        kernel: of the convolutions, in frames, odd.
        causal: the blocks have no look-ahead; the latency is that of the two windows, n_fft samples.

    Raises:
        ValueError: if n_fft is not an odd multiple of hop from 3 on, or the kernel is even.
    """

    compression = 0.3
    """Exponent of the power-law compression of the encoder's input."""

    window: Tensor

    def __init__(
        self,
        dim: int,
        hop: int = 320,
        n_fft: int = 960,
        channels: int = 256,
        encoder_blocks: int = 6,
        decoder_blocks: int = 6,
        kernel: int = 7,
        causal: bool = False,
    ):
        super().__init__()
        if n_fft % hop or n_fft < 3 * hop or n_fft // hop % 2 == 0:
            raise ValueError(f"n_fft must be hop = {hop} times 3, 5, 7 or a larger odd number, not {n_fft}.")
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {kernel}.")
        self.dim, self.hop, self.n_fft = dim, hop, n_fft
        bins = n_fft // 2 + 1
        self.latency = n_fft if causal else None
        edge = (n_fft - hop) // 2 // hop
        left, right = (kernel - 1, 0) if causal else (kernel // 2, kernel // 2)
        self.receptive_field = (
            (encoder_blocks * left + edge, encoder_blocks * right + edge),
            (decoder_blocks * left + edge, decoder_blocks * right + edge),
        )
        self.encoder = ConvNeXtStack(2 * bins, channels, encoder_blocks, dim, kernel, causal)
        self.decoder = ConvNeXtStack(dim, channels, decoder_blocks, 2 * bins, kernel, causal)
        nn.init.constant_(self.decoder.out_proj.bias[:bins].data, -3.0)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> Y [B, D, T]; see `Backbone.encode`."""
        frames = frame_signal(wav.float(), self.n_fft, self.hop) * self.window
        spectrum = torch.fft.rfft(frames) * (2 / self.n_fft**0.5)
        real, imag = spectrum.real, spectrum.imag
        scale = ((real.square() + imag.square() + 1e-20).sqrt() + 1e-5) ** (self.compression - 1)
        return self.encoder(torch.cat([real * scale, imag * scale], dim=-1), mask).transpose(1, 2)

    def decode(self, latent: Tensor, mask: Tensor | None = None, phase: Tensor | None = None) -> Tensor:
        """Y [B, D, T] -> wav [B, T * hop]; see `Backbone.decode`."""
        log_magnitude, angle = self.decoder(latent.transpose(1, 2), mask).float().chunk(2, dim=-1)
        magnitude = torch.exp(log_magnitude.clamp(max=8.0)) * (self.n_fft**0.5 / 2)
        spectrum = torch.complex(magnitude * torch.cos(angle), magnitude * torch.sin(angle))
        frames = torch.fft.irfft(spectrum, n=self.n_fft) * self.window
        return weighted_overlap_add(frames, self.window.square(), self.hop, mask)
