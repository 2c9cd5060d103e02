"""Residual vector quantization in two parts: parametric coordinates, then MDCT bands with predicted scale factors."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.quantizer import ResidualVQ
from research.tokens.pitch import PitchCoordinates


@dataclass(frozen=True)
class QuantizedFrames:
    """Output in training.

    Attributes:
        x: [B, D, T], the quantized input, with a straight-through gradient.
        codes: [B, K, T] int64.
        commitment: scalar loss of both parts.
        error: power of the error of the bands relative to their power.
        perplexity: [K].
        scales: [B, T, E], log scale factors of the bands.
        scale_nll: negative log likelihood of the bands under Laplace distributions of the predicted scales.
    """

    x: Tensor
    codes: Tensor
    commitment: Tensor
    error: Tensor
    perplexity: Tensor
    scales: Tensor
    scale_nll: Tensor


class PredictedScaleRVQ(nn.Module):
    """The first levels code `dim - bands` parametric coordinates, the others `bands` MDCT bands.

    A network predicts the scale of each band from the content and the decoded parametric coordinates. The bands are
    divided by the mean of the predicted log scales of their frame, and by their shape to the power `shaping`, so that
    the quantization error follows the spectrum, where it is masked. The scale factors cost no bits: encoder and decoder
    predict the same.

    Args:
        dim: D, parametric coordinates and bands.
        levels: K.
        codebook_size: N.
        content_dim: C.
        bands: E.
        pitch: adds a comb at the decoded f0 to the predicted shape.
        pitch_index: index of the first of the two pitch coordinates.
        parametric_levels: number of levels for the parametric coordinates.
        shaping: exponent of the predicted shape.
        channels, blocks, kernel: of the predicting network.
        ema_decay: of the codebooks.
    """

    def __init__(
        self,
        dim: int,
        levels: int,
        codebook_size: int,
        content_dim: int,
        bands: int,
        pitch: PitchCoordinates,
        pitch_index: int,
        parametric_levels: int = 2,
        shaping: float = 0.4,
        channels: int = 192,
        blocks: int = 3,
        kernel: int = 5,
        ema_decay: float = 0.996,
    ):
        super().__init__()
        self.dim, self.bands, self.codebook_size, self.shaping = dim, bands, codebook_size, shaping
        self.parametric = ResidualVQ(dim - bands, parametric_levels, codebook_size, ema_decay=ema_decay)
        self.waveform = ResidualVQ(bands, levels - parametric_levels, codebook_size, ema_decay=ema_decay)
        self.pitch, self.pitch_index = pitch, pitch_index
        self.predictor = ConvNeXtStack(dim + content_dim, channels, blocks, bands, kernel, causal=False)
        nn.init.constant_(self.predictor.out_proj.bias, -1.0)

    @property
    def levels(self) -> int:
        """K."""
        return self.parametric.levels + self.waveform.levels

    def scales(self, parametric: Tensor, content: Tensor, mask: Tensor | None = None) -> Tensor:
        """Parametric coordinates [B, D - E, T], content [B, T, C] -> log scales of the bands [B, T, E]."""
        inputs = torch.cat([parametric.transpose(1, 2), content, self._comb(parametric)], dim=-1)
        return self.predictor(inputs, mask).float().clamp(-8, 4)

    def divisors(self, scales: Tensor, parametric: Tensor) -> Tensor:
        """Log scales [B, T, E], parametric coordinates [B, D - E, T] -> divisors of the bands [B, E, T]."""
        mean = scales.mean(-1, keepdim=True)
        return torch.exp(mean + self.shaping * (scales - mean) + self._comb(parametric)).transpose(1, 2)

    def _comb(self, parametric: Tensor) -> Tensor:
        """Comb [B, T, E] in log magnitude at the f0 of parametric coordinates [B, D - E, T]."""
        return self.pitch.comb(parametric[:, self.pitch_index : self.pitch_index + 2].transpose(1, 2))

    @torch.no_grad()
    def encode(self, x: Tensor, levels: int | None, content: Tensor, mask: Tensor | None = None) -> Tensor:
        """Latent [B, D, T], content [B, T, C] -> codes [B, levels, T]; all levels when None."""
        levels = self.levels if levels is None else levels
        parametric, bands = x.split([self.dim - self.bands, self.bands], dim=1)
        codes = self.parametric.encode(parametric, min(levels, self.parametric.levels))
        if levels <= self.parametric.levels:
            return codes
        parametric = self.parametric.decode(codes)
        bands = bands / self.divisors(self.scales(parametric, content, mask), parametric)
        return torch.cat([codes, self.waveform.encode(bands, levels - self.parametric.levels)], dim=1)

    def decode(self, codes: Tensor, content: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Codes [B, K', T], content [B, T, C] -> latent [B, D, T], log scales of the bands [B, T, E]."""
        codes, waveform_codes = codes[:, : self.parametric.levels], codes[:, self.parametric.levels :]
        parametric = self.parametric.decode(codes)
        scales = self.scales(parametric, content, mask)
        bands = self.waveform.decode(waveform_codes) * self.divisors(scales, parametric)
        return torch.cat([parametric, bands], dim=1), scales

    def forward(self, x: Tensor, levels: Tensor, content: Tensor, quantize: bool = True) -> QuantizedFrames:
        """Quantize for training.

        Args:
            x: [B, D, T].
            levels: [B], levels of each item; an item with more than K stays unquantized.
            content: [B, T, C].
            quantize: False before the codebooks are initialized.
        """
        parametric, bands = x.float().split([self.dim - self.bands, self.bands], dim=1)
        count, unquantized = self.parametric.levels, levels > self.levels
        if not quantize:
            scales, zero = self.scales(parametric, content), x.new_zeros(())
            return QuantizedFrames(x, torch.empty(0), zero, zero, zero, scales, _laplace_nll(bands, scales))
        coarse = self.parametric(parametric, torch.where(unquantized, count + 1, levels.clamp(max=count)))
        values = coarse.x * (levels > 0)[:, None, None]
        scales = self.scales(values, content)
        divisors = self.divisors(scales, values).detach()
        fine_levels = torch.where(unquantized, self.waveform.levels + 1, (levels - count).clamp(min=0))
        fine = self.waveform(bands / divisors, fine_levels)
        return QuantizedFrames(
            x=torch.cat([values, fine.x * divisors * (levels > count)[:, None, None]], dim=1),
            codes=torch.cat([coarse.codes, fine.codes], dim=1),
            commitment=coarse.commitment + fine.commitment,
            error=fine.metrics["error"],
            perplexity=torch.cat([coarse.metrics["perplexity"], fine.metrics["perplexity"]]),
            scales=scales,
            scale_nll=_laplace_nll(bands, scales),
        )

    @torch.no_grad()
    def init_kmeans(self, x: Tensor, content: Tensor, iterations: int = 6) -> None:
        """Initialize the codebooks by k-means of latents x [B, D, T] with content [B, T, C]."""
        parametric, bands = x.float().split([self.dim - self.bands, self.bands], dim=1)
        self.parametric.init_kmeans(parametric.transpose(1, 2).flatten(0, 1), iterations)
        parametric = self.parametric.decode(self.parametric.encode(parametric))
        scaled = bands / self.divisors(self.scales(parametric, content), parametric)
        self.waveform.init_kmeans(scaled.transpose(1, 2).flatten(0, 1), iterations)


def _laplace_nll(bands: Tensor, scales: Tensor) -> Tensor:
    """Mean of log scale + magnitude / scale; bands [B, E, T] without gradient, log scales [B, T, E]."""
    magnitudes = bands.detach().transpose(1, 2).abs() + 1e-3
    return (scales + magnitudes * torch.exp(-scales)).mean()
