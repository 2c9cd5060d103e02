"""Features of speech by a codec, quantized or continuous, for frontends of recognizers."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.padding import frame_mask
from espnet2_decodec.codec.split_quantizer import Quantizer

FEATURES = (
    "content",
    "content_continuous",
    "semantic",
    "semantic_continuous",
    "parametric",
    "parametric_continuous",
    "speech",
    "speech_continuous",
    "all",
)
CONTINUOUS = "_continuous"


class CodecFeatures:
    """One of `FEATURES` of a codec.

    Args:
        codec: whose speech stream, or content encoder, is used.
        name: see `DeCodecFrontend`.
        levels: number of first levels of a quantized feature other than `all`; None for all.

    Attributes:
        size: number of features of a frame.
        num_levels: number of levels that are summed; 0 for a continuous feature.

    Raises:
        ValueError: if the feature or the levels are unknown or not available from this codec.
    """

    def __init__(self, codec: DeCodec, name: str, levels: int | None = None):
        if name not in FEATURES:
            raise ValueError(f"Unknown feature {name!r}; choose one of {', '.join(FEATURES)}.")
        self.codec, self.name = codec, name
        self._quantizer: Quantizer | None
        self.source, self.continuous = name.removesuffix(CONTINUOUS), name.endswith(CONTINUOUS)
        if self.source == "parametric" and not codec.parametric_levels:
            raise ValueError(f"feature {name} requires a codec with parametric levels; use `feature: semantic`.")
        if self.source == "content":
            if not codec.content_dim:
                raise ValueError(f"feature {name} requires a codec with a content encoder; use `feature: semantic`.")
            if not self.continuous and codec.content_quantizer is None:
                raise ValueError(
                    "feature content requires a content encoder with codebooks; use `feature: content_continuous`."
                )
            self._quantizer = codec.content_quantizer
            available = 0 if codec.content_quantizer is None else codec.content_quantizer.levels
            self._dims = codec.content_dim
        else:
            self._quantizer = quantizer = codec.speech_quantizer
            available = {"semantic": 1, "parametric": codec.parametric_levels}.get(self.source, codec.speech_levels)
            dims = {"semantic": quantizer.semantic_dim, "parametric": quantizer.parametric_dim}
            self._dims = dims.get(self.source, quantizer.dim)
        if levels is not None and (name == "all" or self.continuous or not 1 <= levels <= available):
            raise ValueError(
                f"levels must be within 1..{available} of a quantized feature other than all, not {levels} of {name}."
            )
        self._levels = available if levels is None else levels
        self.size: int = self._dims
        self.num_levels: int = 0 if self.continuous else self._levels
        if name == "all":
            self.size += codec.background_quantizer.dim
            self.num_levels += codec.background_levels

    def __call__(self, wav: Tensor, lengths: Tensor, per_level: bool) -> Tensor:
        """Features of a batch.

        Args:
            wav: [B, L] at the codec's sample rate.
            lengths: [B] in samples.
            per_level: keep levels apart.

        Returns:
            [K, B, size, T], whose sum over K is the feature; K = `num_levels` with `per_level`, otherwise 1.
        """
        codec = self.codec
        if self.source == "content":
            x = background = codec.content(wav, lengths)
        else:
            x, background = codec.subspace.split(codec.latent(wav, lengths))
        if self.continuous or self._quantizer is None:
            return x[None, :, : self._dims]
        mask = frame_mask(lengths, codec.hop, x.shape[2])
        x = _quantize(x, self._quantizer, self._levels, per_level, mask)[:, :, : self._dims]
        if self.name != "all":
            return x
        background = _quantize(background, codec.background_quantizer, codec.background_levels, per_level, mask)
        padded = (
            nn.functional.pad(x, (0, 0, 0, background.shape[2])),
            nn.functional.pad(background, (0, 0, x.shape[2], 0)),
        )
        return torch.cat(padded)


def _quantize(x: Tensor, quantizer: Quantizer, levels: int, per_level: bool, mask: Tensor | None) -> Tensor:
    """Quantized x [B, D, T]: the embedding of each level [K, B, D, T], or their sum [1, B, D, T].

    The gradient of the sum is that of x (straight-through estimator).
    """
    codes = quantizer.encode(x, levels, mask)
    values = quantizer.embed(codes, mask) if per_level else quantizer.decode(codes, mask)[None]
    return values if not x.requires_grad else values + (x - x.detach()) / len(values)
