"""The default backbone: a lapped transform that networks steer.

The skeleton is the modified discrete cosine transform (Princen and Bradley, 1986), an orthonormal map of the
waveform to one vector per frame. The encoder's network masks that vector once for speech and once for
background; the decoder's network corrects what comes back. So an untrained model already passes every
waveform through, with both stems equal to half the mixture, and training starts from there instead of from
having to discover phases.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.backbones import Backbone
from espnet2_decodec.codec.backbones.spectral import Stack


class LappedBackbone(Backbone):
    """MDCT and masks -> latent, latent -> corrected inverse MDCT, at one frame per hop.

    Frame t is centred on samples t * hop .. (t + 1) * hop. The first half of the latent starts out as the
    masked speech and the second as the masked background, the lowest D / 2 bands of each; what training makes of
    them is free. What lies above these bands is the decoder's guess.

    Args:
        dim: D, even.
        hop: samples per frame, a multiple of 2.
        channels: C of the blocks.
        encoder_blocks, decoder_blocks: how many of them.
        kernel: frames that a block looks at, odd.
        causal: the blocks look back only; what is left of look-ahead is that of the windows, so that a sample
            can be given out 3 * hop samples after it came in.

    Raises:
        ValueError: if dim or hop is odd, half of dim is above hop, or the kernel is even.
    """

    memory = 25
    """Frames on each side over which the encoder takes means; all of them behind when causal."""

    power = 0.5
    """Of a frame's norm that is left in the latent: quiet frames keep their share of the quantizers' attention."""

    def __init__(
        self,
        dim: int,
        hop: int = 320,
        channels: int = 256,
        encoder_blocks: int = 6,
        decoder_blocks: int = 4,
        kernel: int = 7,
        causal: bool = False,
    ):
        super().__init__()
        if dim % 2 or hop % 2 or dim // 2 > hop:
            raise ValueError(f"The latent dimension must be even and at most 2 * hop = {2 * hop}, not {dim}.")
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {kernel}.")
        self.dim, self.hop, self.n_fft = dim, hop, 3 * hop
        self.latency = self.n_fft if causal else None
        back, ahead = (kernel - 1, 0) if causal else (kernel // 2, kernel // 2)
        self.around = (2 * self.memory, 0) if causal else (self.memory, self.memory)
        self.reach = (
            (encoder_blocks * back + self.around[0] + 1, encoder_blocks * ahead + self.around[1] + 1),
            (decoder_blocks * back + 1, decoder_blocks * ahead + 1),
        )
        bins = self.n_fft // 2 + 1
        self.encoder = Stack(2 * bins, channels, encoder_blocks, 2 * dim, kernel, causal, level=False)
        self.decoder = Stack(dim, channels, decoder_blocks, 3 * hop, kernel, causal)
        for layer in (self.encoder.leave, self.decoder.leave):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)
        self.register_buffer("transform", _mdct(hop), persistent=False)
        slope = torch.sin(math.pi / (2 * hop) * (torch.arange(2 * hop) + 0.5))
        self.register_buffer("envelope", slope.square(), persistent=False)

    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """wav [B, T * hop] -> Y [B, D, T]; see `Backbone.encode`."""
        wav = wav.float()
        lapped = self._lap(wav)
        gates, extra = self.encoder(self._seen(wav, mask), mask).float().chunk(2, dim=-1)
        gates = torch.sigmoid(gates.unflatten(-1, (2, self.dim // 2)))
        latent = _scale_halves((lapped[..., None, : self.dim // 2] * gates).flatten(-2), self.power - 1)
        return (latent + 0.1 * extra * _rms(latent)).transpose(1, 2)

    def anchor(self, wav: Tensor) -> Tensor:
        """The lowest bands of the MDCT of a stem [B, T * hop], scaled as in the latent: [B, D / 2, T]."""
        lapped = self._lap(wav.float())[..., : self.dim // 2]
        return (lapped * _norm(lapped) ** (self.power - 1)).transpose(1, 2)

    def decode(self, latent: Tensor, mask: Tensor | None = None) -> Tensor:
        """Y [B, D, T] -> wav [B, T * hop]; see `Backbone.decode`."""
        latent = latent.transpose(1, 2)
        gates, extra = self.decoder(latent, mask).float().split((2 * self.hop, self.hop), dim=-1)
        stems = _scale_halves(latent.float(), 1 / self.power - 1).unflatten(-1, (2, self.dim // 2))
        stems = F.pad(stems, (0, self.hop - self.dim // 2)).flatten(-2) * (2 * torch.sigmoid(gates))
        frames = (stems[..., : self.hop] + stems[..., self.hop :] + extra * _rms(stems)) @ self.transform.T
        valid = torch.ones_like(latent[..., :1]) if mask is None else mask[..., None].to(frames.dtype)
        weight = self._overlap_add(valid * self.envelope)
        return self._overlap_add(frames * valid) / weight.clamp(min=1e-3)

    def _seen(self, wav: Tensor, mask: Tensor | None) -> Tensor:
        """What the encoder's network sees: log spectra [B, T, 2 F], free of the recording's level.

        The first F are relative to the mean of the frames around, over all bins; the second to the mean of each bin
        by itself, so that what holds on, as noise does, stands out from what changes, as speech does.
        """
        frames = F.pad(wav, (self.hop, self.hop)).unfold(-1, self.n_fft, self.hop)
        logs = torch.log(torch.fft.rfft(frames * self.window).abs() * (2 / self.n_fft**0.5) + 1e-3)
        valid = torch.ones_like(logs[..., :1]) if mask is None else mask[..., None].to(logs.dtype)
        width = sum(self.around) + 1
        sums = F.avg_pool1d(F.pad((logs * valid).transpose(1, 2), self.around), width, 1).transpose(1, 2)
        counts = F.avg_pool1d(F.pad(valid.transpose(1, 2), self.around), width, 1).transpose(1, 2)
        means = sums / counts.clamp(min=0.5 / width)
        return torch.cat([0.5 * (logs - means.mean(-1, keepdim=True)), logs - means], dim=-1)

    def _lap(self, wav: Tensor) -> Tensor:
        """wav [B, T * hop] -> MDCT [B, T, hop]."""
        half = self.hop // 2
        return F.pad(wav, (half, half)).unfold(-1, 2 * self.hop, self.hop) @ self.transform

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """[B, T, 2 * hop] -> [B, T * hop], cut to the samples that the frames are centred on."""
        first, second = frames.split(self.hop, dim=-1)
        wav = F.pad(first, (0, 0, 0, 1)) + F.pad(second, (0, 0, 1, 0))
        return wav.flatten(1)[:, self.hop // 2 : -(self.hop // 2)]


def _mdct(hop: int) -> Tensor:
    """The windowed, orthonormal MDCT as a matrix [2 * hop, hop]."""
    n = torch.arange(2 * hop, dtype=torch.float64)[:, None]
    k = torch.arange(hop, dtype=torch.float64)
    basis = torch.cos(math.pi / hop * (n + 0.5 + hop / 2) * (k + 0.5)) * math.sqrt(2 / hop)
    return (basis * torch.sin(math.pi / (2 * hop) * (n + 0.5))).float()


def _scale_halves(x: Tensor, power: float) -> Tensor:
    """Each half of the last axis times its own norm to the power: [..., 2 * n] -> [..., 2 * n]."""
    pair = x.unflatten(-1, (2, -1))
    return (pair * _norm(pair) ** power).flatten(-2)


def _norm(x: Tensor) -> Tensor:
    """Euclidean norm over the last axis, kept, with a differentiable bottom 60 dB under full scale."""
    return (x.square().sum(-1, keepdim=True) + 1e-6).sqrt()


def _rms(x: Tensor) -> Tensor:
    """Root mean square of the last axis, kept. What networks add is relative to it: silence stays silent."""
    return (x.square().mean(-1, keepdim=True) + 1e-9).sqrt()
