"""Second stage of the separation: a band-split network that estimates a deep filter.

Bands as in BSRNN (Luo and Yu, 2023, arXiv 2209.15174), the filter over neighboring frames as in DeepFilterNet (Schröter
et al., 2022, arXiv 2110.05588).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.chunking import chunked

BAND_WIDTHS = ((8, 20), (16, 10), (32, 5))
"""(bins of a band, number of such bands) from low to high frequencies, for 480 bins; others are scaled."""


class BandBlock(nn.Module):
    """Depthwise convolution over time and bands, then a perceptron on each band of a frame; a residual block.

    Args:
        channels: C.
        kernel: of the convolution, (frames, bands), odd.
        causal: the convolution has no look-ahead.
    """

    expansion = 3

    def __init__(self, channels: int, kernel: tuple[int, int], causal: bool):
        super().__init__()
        frames, bands = kernel
        time = (frames - 1, 0) if causal else (frames // 2, frames // 2)
        self.pad = (bands // 2, bands // 2, *time)
        self.dwconv = nn.Conv2d(channels, channels, kernel, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.pwconv1 = nn.Linear(channels, self.expansion * channels)
        self.pwconv2 = nn.Linear(self.expansion * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, K, C], mask [B, T, 1, 1] of valid frames -> [B, T, K, C]."""
        image = F.pad((x if mask is None else x * mask).permute(0, 3, 1, 2), self.pad)
        y = self.dwconv(image).permute(0, 2, 3, 1)
        y = chunked(self._pointwise, y.reshape(-1, *y.shape[2:])).view_as(x)
        return torch.addcmul(x, self.gamma, y)

    def _pointwise(self, y: Tensor) -> Tensor:
        """The perceptron on bands [M, K, C]."""
        return self.pwconv2(F.relu(self.pwconv1(self.norm(y))))


class BandSplitDeepFilter(nn.Module):
    """Corrects the separated speech by a complex gain and a filter of the mixture over three frames, for each bin.

    Untrained it passes the separated speech unchanged.

    Args:
        bins: F of the STFT.
        context_dim: H, number of features of the first stage.
        channels: C.
        blocks: number of blocks.
        kernel: of the blocks, (frames, bands), odd.
        causal: neither blocks nor filter have look-ahead; the filter then covers the frame and the two before it.
        hop_ratio: hop over FFT size, for the phase that a stationary tone advances per frame.
    """

    inputs, outputs, taps = 6, 8, 3

    phase: Tensor

    def __init__(
        self,
        bins: int,
        context_dim: int,
        channels: int = 48,
        blocks: int = 6,
        kernel: tuple[int, int] = (7, 5),
        causal: bool = False,
        hop_ratio: float = 1 / 3,
    ):
        super().__init__()
        scale = (bins - 1) // 480
        if scale * 480 != bins - 1:
            raise ValueError(f"The deep filter needs a multiple of 480 bins and one, not {bins}.")
        self.widths = [(scale * width, count) for width, count in BAND_WIDTHS]
        self.bands, self.causal = sum(count for _, count in self.widths), causal
        self.context = nn.Linear(context_dim, self.bands * channels)
        self.embed = nn.ParameterList(self._weight(n, self.inputs * w, channels) for w, n in self.widths)
        self.embed_bias = nn.Parameter(torch.zeros(self.bands, channels))
        self.blocks = nn.ModuleList(BandBlock(channels, kernel, causal) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)
        self.project = nn.ParameterList(torch.zeros(n, channels, self.outputs * w) for w, n in self.widths)
        reach = blocks * (kernel[0] // 2)
        self.reach = (2 * reach + 2, 0) if causal else (reach + 1, reach + 1)
        shift = torch.tensor([-2, -1, 0] if causal else [-1, 0, 1])
        phase = -2 * torch.pi * hop_ratio * torch.arange(bins) * shift[:, None]
        self.register_buffer("phase", torch.polar(torch.ones_like(phase), phase), persistent=False)

    @staticmethod
    def _weight(count: int, size: int, channels: int) -> Tensor:
        return torch.randn(count, size, channels) * size**-0.5

    def forward(
        self, spectrum: Tensor, speech: Tensor, level: Tensor, context: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Corrected spectrum of the speech.

        Args:
            spectrum: of the mixture [B, T, F].
            speech: estimate of the first stage [B, T, F].
            level: mean log magnitude of the mixture around each frame [B, T, 1].
            context: features of the first stage [B, T, H].
            mask: [B, T] of valid frames.
        """
        frames = None if mask is None else mask[..., None, None].to(context.dtype)
        x = self._embed(self._features(spectrum, speech, level))
        x = x + self.context(context).unflatten(-1, (self.bands, -1))
        for block in self.blocks:
            x = block(x, frames)
        outputs = self._project(self.norm(x)).float()
        gain, *taps = torch.view_as_complex(outputs.unflatten(-1, (-1, 2))).unbind(-1)
        pad = (0, 0, 2, 0) if self.causal else (0, 0, 1, 1)
        padded, count = F.pad(spectrum if mask is None else spectrum * mask[..., None], pad), spectrum.shape[1]
        corrected = speech + F.pad(gain, (0, 1)) * speech
        for i, tap in enumerate(taps):
            corrected = corrected + F.pad(tap, (0, 1)) * self.phase[i] * padded[:, i : i + count]
        return corrected

    def _features(self, spectrum: Tensor, speech: Tensor, level: Tensor) -> Tensor:
        """[B, T, F - 1, 6]: for mixture and speech, log magnitude, and compressed real and imaginary parts."""
        pair = torch.stack([spectrum, speech], dim=-1)[..., :-1, :]
        magnitude = pair.abs() + 1e-4
        log = torch.log(magnitude) - level[..., None]
        unit = pair / magnitude * torch.exp(0.3 * log)
        return torch.cat([0.5 * log, unit.real, unit.imag], dim=-1)

    def _embed(self, features: Tensor) -> Tensor:
        """[B, T, F - 1, 6] -> [B, T, K, C]."""
        parts, start = [], 0
        for (width, count), weight in zip(self.widths, self.embed):
            part = features[..., start : start + width * count, :].unflatten(-2, (count, width)).flatten(-2)
            parts.append(torch.einsum("btki,kic->btkc", part, weight))
            start += width * count
        return torch.cat(parts, dim=-2) + self.embed_bias

    def _project(self, x: Tensor) -> Tensor:
        """[B, T, K, C] -> [B, T, F - 1, 8]."""
        parts, start = [], 0
        for (width, count), weight in zip(self.widths, self.project):
            out = torch.einsum("btkc,kco->btko", x[..., start : start + count, :], weight)
            parts.append(out.unflatten(-1, (width, self.outputs)).flatten(-3, -2))
            start += count
        return torch.cat(parts, dim=-2)
