"""Level 1: linguistic content, from log spectra relative to their running mean, as one token per frame."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.dsp.mel import mel_filterbank
from espnet2_decodec.codec.dsp.overlap_add import frame_signal, moving_sum
from espnet2_decodec.codec.quantizer import ResidualVQ


class RelativeLogMel(nn.Module):
    """Log-mel spectra relative to their running mean, two of 10 ms for each frame of 20 ms.

    A gain does not change them, and a smooth filter little: the floor, too, is relative to the running mean.

    Args:
        bands: mel bands M.
        hop: samples per frame.
        n_fft: window length in samples.
        context: (left, right) frames of the running means.
        floor: of the mel power, relative to its mean over bands and context.
    """

    def __init__(
        self,
        bands: int = 48,
        hop: int = 320,
        n_fft: int = 480,
        context: tuple[int, int] = (100, 40),
        floor: float = 3e-4,
        sample_rate: int = 16000,
    ):
        super().__init__()
        self.hop, self.n_fft, self.context, self.floor = hop, n_fft, context, floor
        self.dim = 2 * bands
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", mel_filterbank(sample_rate, n_fft, bands), persistent=False)

    def forward(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop], mask [B, T] of valid frames -> [B, T, 2 M]."""
        with torch.autocast(wav.device.type, enabled=False):
            spectrum = torch.fft.rfft(frame_signal(wav.float(), self.n_fft, self.hop // 2) * self.window)
            power = (spectrum.real.square() + spectrum.imag.square()) @ self.filters
            power = power.unflatten(1, (-1, 2))  # [B, T, 2, M]
            valid = torch.ones_like(power[:, :, :1, 0]) if mask is None else mask[..., None].to(power.dtype)
            count = moving_sum(valid, self.context).clamp(min=1)
            local = moving_sum(power.mean((2, 3))[..., None] * valid, self.context) / count
            log = torch.log(power + self.floor * local[..., None] + 1e-9)
            mean = moving_sum(log.mean(2) * valid, self.context) / count
            return 0.5 * (log - mean[:, :, None]).flatten(2)


class ContentEncoder(nn.Module):
    """Speech [B, T * hop] -> content [B, T, C], its tokens, and the tokens' embeddings.

    Args:
        dim: C.
        channels, blocks, kernel: of the ConvNeXt stack.
        codebook_size: N.
    """

    def __init__(
        self,
        dim: int = 64,
        channels: int = 224,
        blocks: int = 8,
        kernel: int = 9,
        codebook_size: int = 1024,
        bands: int = 48,
    ):
        super().__init__()
        self.dim, self.codebook_size = dim, codebook_size
        self.front = RelativeLogMel(bands)
        self.network = ConvNeXtStack(self.front.dim, channels, blocks, dim, kernel, causal=False, norm_in=True)
        self.quantizer = ResidualVQ(dim, 1, codebook_size, ema_decay=0.99)

    @property
    def reach(self) -> tuple[int, int]:
        """Frames before and after that one frame of the content depends on."""
        kept = sum(block.pad[0] for block in self.network.blocks) + 1
        return kept + self.front.context[0], kept + self.front.context[1]

    def forward(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop], mask [B, T] -> content that is not quantized [B, T, C]."""
        return self.encode_features(self.front(wav, mask), mask)

    def encode_features(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """Relative log-mel spectra [B, T, 2 M] -> content [B, T, C] in float32, of norm sqrt(C)."""
        content = self.network(features, mask).float()
        return content * (content.square().mean(-1, keepdim=True) + 1e-6).rsqrt()

    @torch.no_grad()
    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> tokens [B, T] int64."""
        return self.quantizer.encode(self(wav, mask).transpose(1, 2))[:, 0]

    def embed(self, tokens: Tensor) -> Tensor:
        """Tokens [B, T] -> [B, T, C]."""
        return nn.functional.embedding(tokens, self.quantizer.codebooks[0])
