"""The fast backbone: STFT in, ConvNeXt blocks at frame rate, inverse STFT out.

The idea of working at the frame rate only is that of Vocos (Siuzdak, 2023, arXiv 2306.00814).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.backbones.base import Backbone
from espnet2_decodec.codec.dsp.transforms import framed, weighted_overlap_add
from espnet2_decodec.codec.tiles import tiled


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a two-layer perceptron on each frame, with a scaled skip."""

    def __init__(self, channels: int, kernel: int, causal: bool, scale: float):
        super().__init__()
        self.pad = (kernel - 1, 0) if causal else (kernel // 2, kernel // 2)
        self.depthwise = nn.Conv1d(channels, channels, kernel, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 4 * channels)
        self.narrow = nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, C], mask [B, T, 1] -> [B, T, C]."""
        y = self._convolve(x if mask is None else x * mask)
        y = tiled(self._perceptron, y.reshape(-1, y.shape[-1])).view_as(x)
        return torch.addcmul(x, self.scale, y)

    def _convolve(self, x: Tensor) -> Tensor:
        """The depthwise convolution over time of x [B, T, C].

        As a 2-d one of height 1, which takes this memory order as "channels last" and needs no copies.
        """
        image = F.pad(x, (0, 0, *self.pad)).transpose(1, 2).unsqueeze(2)
        weight = self.depthwise.weight.unsqueeze(2)
        return F.conv2d(image, weight, self.depthwise.bias, groups=len(weight)).squeeze(2).transpose(1, 2)

    def _perceptron(self, y: Tensor) -> Tensor:
        """Y [M, C] -> [M, C], each frame by itself."""
        return self.narrow(F.gelu(self.widen(self.norm(y))))


class Stack(nn.Module):
    """Linear map in, maybe a norm, ConvNeXt blocks, norm, linear map out; frames in channels-last order.

    Args:
        level: True lets the level of a frame through to the blocks; False takes it out by a norm.
    """

    def __init__(
        self, dim_in: int, channels: int, blocks: int, dim_out: int, kernel: int, causal: bool, level: bool = True
    ):
        super().__init__()
        self.enter = nn.Linear(dim_in, channels)
        self.norm_in = nn.Identity() if level else nn.LayerNorm(channels)
        scale = 0.03 if level else 1 / blocks
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels, kernel, causal, scale) for _ in range(blocks))
        self.norm_out = nn.LayerNorm(channels)
        self.leave = nn.Linear(channels, dim_out)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, C_in], mask [B, T] -> [B, T, C_out]."""
        mask = None if mask is None else mask[..., None].to(x.dtype)
        x = self.norm_in(self.enter(x))
        for block in self.blocks:
            x = block(x, mask)
        return self.leave(self.norm_out(x))


class SpectralBackbone(Backbone):
    """STFT -> ConvNeXt -> latent, latent -> ConvNeXt -> inverse STFT, all at one frame per hop.

    Frame t is centred on samples t * hop .. (t + 1) * hop.

    Args:
        dim: D.
        hop: samples per frame.
        n_fft: window length in samples, a multiple of hop, at least 2 * hop.
        channels: C of the blocks.
        encoder_blocks, decoder_blocks: how many of them.
        kernel: frames that a block looks at, odd.
        causal: the blocks look back only; what is left of look-ahead is that of the two windows, so that a
            sample can be given out n_fft samples after it came in.

    Raises:
        ValueError: if n_fft is no odd multiple of hop from 3 on, or the kernel is even.
    """

    power = 0.3

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
        self.pad = (n_fft - hop) // 2
        self.latency = n_fft if causal else None
        edge, back, ahead = self.pad // hop, kernel - 1 if causal else kernel // 2, 0 if causal else kernel // 2
        self.reach = tuple((blocks * back + edge, blocks * ahead + edge) for blocks in (encoder_blocks, decoder_blocks))
        self.encoder = Stack(2 * bins, channels, encoder_blocks, dim, kernel, causal)
        self.decoder = Stack(dim, channels, decoder_blocks, 2 * bins, kernel, causal)
        nn.init.constant_(self.decoder.leave.bias[:bins].data, -3.0)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> Y [B, D, T]; see `Backbone.encode`."""
        spectrum = torch.fft.rfft(framed(wav.float(), self.n_fft, self.hop) * self.window) * (2 / self.n_fft**0.5)
        real, imag = spectrum.real, spectrum.imag
        scale = ((real.square() + imag.square() + 1e-20).sqrt() + 1e-5) ** (self.power - 1)
        return self.encoder(torch.cat([real * scale, imag * scale], dim=-1), mask).transpose(1, 2)

    def decode(self, latent: Tensor, mask: Tensor | None = None, ticks: None = None) -> Tensor:
        """Y [B, D, T] -> wav [B, T * hop]; see `Backbone.decode`."""
        level, phase = self.decoder(latent.transpose(1, 2), mask).float().chunk(2, dim=-1)
        magnitude = torch.exp(level.clamp(max=8.0)) * (self.n_fft**0.5 / 2)
        spectrum = torch.complex(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
        frames = torch.fft.irfft(spectrum, n=self.n_fft) * self.window
        return weighted_overlap_add(frames, self.window.square(), self.hop, mask)
