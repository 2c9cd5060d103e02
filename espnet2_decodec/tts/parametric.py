"""Features that text-to-speech predicts: the coordinates that the parametric levels of the codec's speech code."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec


class ParametricFeatures(nn.Module):
    """Tokens of the first speech levels <-> normalized features.

    With a codec that has parametric levels (`codec.parametric_levels`), these levels and all their coordinates; with
    others the first level alone.

    Args:
        codec: is frozen.

    Attributes:
        levels: P, number of levels.
        dim: C, features that they code.
        semantic_dim: number of leading features that the first level codes.
        voicing_index: index of the voicing feature, which follows log f0; None for a codec without f0.
        mean: [C], set by `set_statistics`.
        std: [C], set by `set_statistics`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, codec: DeCodec):
        super().__init__()
        self.codec = codec.requires_grad_(False).eval()
        quantizer = codec.speech_quantizer
        parametric = codec.parametric_levels
        self.levels: int = parametric or 1
        self.dim: int = quantizer.parametric_dim if parametric else quantizer.semantic_dim
        self.semantic_dim: int = quantizer.semantic_dim
        self.voicing_index = self.dim - 1 if parametric and isinstance(codec.backbone, MDCTBackbone) else None
        self.register_buffer("mean", torch.zeros(self.dim))
        self.register_buffer("std", torch.ones(self.dim))

    def train(self, mode: bool = True) -> "ParametricFeatures":
        """As for any module, except that the codec stays in eval mode so that its codebooks are not updated."""
        super().train(mode)
        self.codec.eval()
        return self

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Take mean and standard deviation [C] of each feature; very small deviations are raised to a floor."""
        self.mean.copy_(mean)
        self.std.copy_(std.clamp(min=1e-3 * float(std.max().clamp(min=1e-6))))

    @torch.no_grad()
    def decode(self, codes: Tensor, levels: int | None = None) -> Tensor:
        """Features of tokens: codes [B, T, K], K >= P -> [B, T, C], not normalized.

        Args:
            codes: speech tokens.
            levels: number of first levels that are decoded; P when None.

        Raises:
            ValueError: if there are fewer levels than that.
        """
        levels = self.levels if levels is None else levels
        if codes.shape[2] < levels:
            raise ValueError(f"Tokens have {codes.shape[2]} speech levels; at least {levels} of this codec are needed.")
        values = self.codec.speech_quantizer.decode(codes[..., :levels].long().transpose(1, 2))
        return values[:, : self.dim].transpose(1, 2)

    @torch.no_grad()
    def encode(self, values: Tensor, levels: int | None = None) -> Tensor:
        """Tokens of features [B, T, C] that are not normalized: [B, T, levels]; `levels` is P when None."""
        quantizer = self.codec.speech_quantizer
        padded = values.new_zeros(*values.shape[:2], quantizer.dim)
        padded[..., : values.shape[2]] = values
        return quantizer.encode(padded.transpose(1, 2), self.levels if levels is None else levels).transpose(1, 2)

    def normalize(self, values: Tensor) -> Tensor:
        """[B, T, C] to zero mean and unit variance."""
        return (values - self.mean) / self.std

    def denormalize(self, values: Tensor) -> Tensor:
        """The inverse of `normalize`."""
        return values * self.std + self.mean

    def zero_unvoiced(self, values: Tensor) -> Tensor:
        """Set log f0 and voicing of unvoiced frames to zero, as the codec does: [B, T, C], not normalized."""
        if self.voicing_index is None:
            return values
        voiced = values[..., self.voicing_index, None] > 0.5 * self.mean[self.voicing_index]
        first = self.voicing_index - 1
        return torch.cat([values[..., :first], values[..., first:] * voiced], dim=-1)

    def quantize_semantic(self, values: Tensor) -> Tensor:
        """Normalized semantic features [B, T, semantic_dim] -> the same after the codebook of the first level."""
        mean, std = self.mean[: self.semantic_dim], self.std[: self.semantic_dim]
        quantized = self.decode(self.encode(values.detach() * std + mean, 1), 1)[..., : self.semantic_dim]
        return (quantized - mean) / std
