"""Second stage of the separation: a band-split network that estimates a deep filter.

Bands as in BSRNN (Luo and Yu, 2023, arXiv 2209.15174), the filter over neighboring frames as in DeepFilterNet (Schröter
et al., 2022, arXiv 2110.05588).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.chunking import chunked

BANDS = ((1, 20), (2, 10), (4, 5))
"""(relative width of a band, number of such bands), from low to high frequencies."""

CHUNK = 32
"""Frames that are processed at a time on a CPU, see `chunked`."""


class BandBlock(nn.Module):
    """Depthwise convolution over time and bands, then a perceptron on each band of a frame; a residual block.

    Args:
        channels: C.
        kernel: of the convolution, (frames, bands), odd.
        causal: the convolution has no look-ahead.
    """

    expansion = 2

    def __init__(self, channels: int, kernel: tuple[int, int], causal: bool):
        super().__init__()
        frames, bands = kernel
        self.pad = frames - 1 if causal else 0
        padding = (0 if causal else frames // 2, bands // 2)
        self.dwconv = nn.Conv2d(channels, channels, kernel, padding=padding, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.pwconv1 = nn.Linear(channels, self.expansion * channels)
        self.pwconv2 = nn.Linear(self.expansion * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, K, C], mask [B, T, 1, 1] of valid frames -> [B, T, K, C]."""
        image = (x if mask is None else x * mask).permute(0, 3, 1, 2)
        image = F.pad(image, (0, 0, self.pad, 0)) if self.pad else image
        y = self.dwconv(image).permute(0, 2, 3, 1)
        y = chunked(self._pointwise, y.reshape(-1, *y.shape[2:]), CHUNK).view_as(x)
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
    """

    inputs, outputs, taps = 6, 8, 3

    def __init__(
        self,
        bins: int,
        context_dim: int,
        channels: int = 48,
        blocks: int = 6,
        kernel: tuple[int, int] = (7, 5),
        causal: bool = False,
    ):
        super().__init__()
        unit = -(-(bins - 1) // sum(width * count for width, count in BANDS))
        self.widths = [(unit * width, count) for width, count in BANDS]
        self.bands, self.causal = sum(count for _, count in BANDS), causal
        self.bins, self.missing = bins, sum(width * count for width, count in self.widths) - (bins - 1)
        self.context = nn.Linear(context_dim, self.bands * channels)
        self.embed = nn.ParameterList(self._weight(n, self.inputs * w, channels) for w, n in self.widths)
        self.embed_bias = nn.Parameter(torch.zeros(self.bands, channels))
        self.blocks = nn.ModuleList(BandBlock(channels, kernel, causal) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)
        self.project = nn.ParameterList(torch.zeros(n, channels, self.outputs * w) for w, n in self.widths)
        frames = blocks * (kernel[0] // 2)
        self.receptive_field = (2 * frames + 2, 0) if causal else (frames + 1, frames + 1)

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
        mixture = spectrum.real.contiguous(), spectrum.imag.contiguous()
        estimate = speech.real.contiguous(), speech.imag.contiguous()
        return torch.complex(*self.filter_planes(mixture, estimate, level, context, mask))

    def filter_planes(
        self,
        mixture: tuple[Tensor, Tensor],
        estimate: tuple[Tensor, Tensor],
        level: Tensor,
        context: Tensor,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """`forward` on real and imaginary parts [B, T, F] each."""
        frames = None if mask is None else mask[..., None, None].to(context.dtype)
        x = self._embed(self._features((mixture, estimate), level))
        x = x + self.context(context).unflatten(-1, (self.bands, -1))
        for block in self.blocks:
            x = block(x, frames)
        gain_real, gain_imag, *taps = self._project(self.norm(x)).float().unbind(-2)
        real, imag = _add_product(*estimate, estimate, gain_real, gain_imag)
        pad = (0, 0, 2, 0) if self.causal else (0, 0, 1, 1)
        valid = mixture if mask is None else [part * mask[..., None] for part in mixture]
        padded, count = [F.pad(part, pad) for part in valid], level.shape[1]
        for i in range(self.taps):
            frame = [part[:, i : i + count] for part in padded]
            real, imag = _add_product(real, imag, frame, *taps[2 * i : 2 * i + 2])
        return real, imag

    def _features(self, spectra: Sequence[Sequence[Tensor]], level: Tensor) -> Tensor:
        """[B, T, 6, F']: log magnitudes, and compressed real and imaginary parts, of mixture and speech each."""
        logs, reals, imags = [], [], []
        for real, imag in spectra:
            real, imag = real[..., :-1], imag[..., :-1]
            magnitude = (real.square() + imag.square() + 1e-8).sqrt()
            log = torch.log(magnitude) - level
            scale = torch.exp(0.3 * log) / magnitude
            logs.append(0.5 * log)
            reals.append(real * scale)
            imags.append(imag * scale)
        features = torch.stack([*logs, *reals, *imags], dim=-2)
        return F.pad(features, (0, self.missing)) if self.missing else features

    def _embed(self, features: Tensor) -> Tensor:
        """[B, T, 6, F'] -> [B, T, K, C]; F' is F - 1 and the bins that complete the last band."""
        parts, start = [], 0
        for (width, count), weight in zip(self.widths, self.embed):
            part = features[..., start : start + width * count].unflatten(-1, (count, width))
            parts.append(torch.einsum("btiku,kiuc->btkc", part, weight.unflatten(1, (self.inputs, width))))
            start += width * count
        return torch.cat(parts, dim=-2) + self.embed_bias

    def _project(self, x: Tensor) -> Tensor:
        """[B, T, K, C] -> [B, T, 8, F]."""
        parts, start = [], 0
        for (width, count), weight in zip(self.widths, self.project):
            out = torch.einsum("btkc,kco->btko", x[..., start : start + count, :], weight)
            parts.append(out.unflatten(-1, (self.outputs, width)).transpose(-3, -2).flatten(-2))
            start += count
        return torch.cat([*parts[:-1], F.pad(parts[-1], (0, 1))], dim=-1)[..., : self.bins]


def _add_product(
    real: Tensor, imag: Tensor, factor: Sequence[Tensor], other_real: Tensor, other_imag: Tensor
) -> tuple[Tensor, Tensor]:
    """Add the product of two complex numbers, given as real and imaginary parts, to a third one."""
    one, two = factor
    return (
        torch.addcmul(real, one, other_real).addcmul_(two, other_imag, value=-1),
        torch.addcmul(imag, one, other_imag).addcmul_(two, other_real),
    )
