"""The encoder from samples to tokens and the decoder back, as modules that can be exported."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.backbones.spectral import SpectralBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.export.backbones import BackboneGraph, MDCTGraph
from espnet2_decodec.codec.export.frames import Context, Frames, WholeRecording
from espnet2_decodec.codec.export.quantizing import quantizer_graph
from espnet2_decodec.codec.export.semantic import SemanticMDCTGraph
from espnet2_decodec.codec.export.spectral import SpectralGraph
from espnet2_decodec.codec.subspace import OrthogonalSplit

BACKBONES: dict[type, type[BackboneGraph]] = {
    MDCTBackbone: MDCTGraph,
    SemanticMDCTBackbone: SemanticMDCTGraph,
    SpectralBackbone: SpectralGraph,
}


class _Graph(nn.Module):
    """Base class of the graphs: a copy of the codec's parts, in eval mode on the CPU, and its numbers of levels.

    Args:
        codec: with one of `BACKBONES`.
        speech_levels: K_s, at least 1; None for all.
        background_levels: K_b, at least 1; None for all.

    Raises:
        ValueError: if the codec has another backbone or split, or not that many levels.
    """

    matrix: Tensor

    def __init__(self, codec: DeCodec, speech_levels: int | None = None, background_levels: int | None = None):
        super().__init__()
        levels = codec.check_levels(speech_levels, background_levels)
        if type(codec.backbone) not in BACKBONES:
            raise ValueError(
                f"Only codecs with the backbone mdct, semantic_mdct or spectral can be exported, not "
                f"{codec.config['backbone']['name']}."
            )
        if not isinstance(codec.subspace, OrthogonalSplit):
            split = codec.config["split"]["name"]
            raise ValueError(f"Only codecs with the split orthogonal can be exported, not {split}.")
        if min(levels) < 1:
            raise ValueError("An exported codec has at least one level of each stream.")
        # Copied together, since the quantizers refer to the backbone.
        parts = deepcopy((codec.backbone, codec.speech_quantizer, codec.background_quantizer))
        self.backbone = BACKBONES[type(codec.backbone)](parts[0])
        self.speech, self.background = (quantizer_graph(part, count) for part, count in zip(parts[1:], levels))
        self.cpu().eval().requires_grad_(False)
        with torch.no_grad():
            basis = torch.eye(codec.backbone.dim, device=next(codec.parameters()).device)[None]
            self.register_buffer("matrix", torch.cat(codec.subspace.split(basis), dim=1)[0].cpu())
        self.dims, self.hop = codec.subspace.dims, codec.hop

    def bases(self) -> tuple[Tensor, ...]:
        """Orthonormal bases of the subspaces of speech and background, [D_s, D] and [D_b, D]."""
        return self.matrix.split(self.dims)


class EncoderGraph(_Graph):
    """Samples [B, T * hop] at the sample rate of the codec -> speech [B, K_s, T] and background [B, K_b, T] tokens.

    A recording is padded with zeros to whole frames. Arguments and errors as for the base class.
    """

    def forward(self, wav: Tensor) -> tuple[Tensor, Tensor]:
        """Samples [B, T * hop] -> tokens of both streams."""
        speech, background = self.encode(WholeRecording(), wav)
        return speech.x.transpose(1, 2), background.x.transpose(1, 2)

    def encode(self, context: Context, wav: Tensor) -> tuple[Frames, Frames]:
        """Samples [B, T * hop] -> tokens of both streams [B, T, K], as late as each other."""
        latent = self.backbone.encode(context, Frames(wav.unflatten(1, (-1, self.hop))))
        speech, background = (Frames(latent.x @ basis.T, latent.delay) for basis in self.bases())
        tokens = context.align(self.speech.encode(context, speech), self.background.encode(context, background))
        return tokens[0], tokens[1]


class DecoderGraph(_Graph):
    """Speech [B, K_s, T] and background [B, K_b, T] tokens -> samples [B, T * hop].

    The gains [2] of speech and background scale the streams: 1, or 0 to leave one out. Arguments and errors as for the
    base class.
    """

    def forward(self, speech: Tensor, background: Tensor, gains: Tensor) -> Tensor:
        """Tokens of both streams, gains [2] -> samples [B, T * hop]."""
        return self.decode(WholeRecording(), speech, background, gains).x.flatten(1)

    def decode(self, context: Context, speech: Tensor, background: Tensor, gains: Tensor) -> Frames:
        """Tokens of both streams [B, K, T], gains [2] -> samples [B, T, hop]."""
        streams = context.align(
            self.speech.decode(context, Frames(speech.transpose(1, 2))),
            self.background.decode(context, Frames(background.transpose(1, 2))),
        )
        speech_part, background_part = (
            Frames((stream.x * gain) @ basis, stream.delay)
            for stream, basis, gain in zip(streams, self.bases(), gains.unbind())
        )
        return self.backbone.decode(context, speech_part, background_part)
