"""Encoding without the trained encoder, and so without separation: targets of training, a control of experiments."""

from torch import Tensor

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.padding import pad_to_frames


def analytic_backbone(codec: DeCodec) -> ParametricBackbone | None:
    """The backbone, if it computes latents of stems without its encoder and the split has their sizes; else None."""
    backbone = codec.backbone
    return backbone if isinstance(backbone, ParametricBackbone) and codec.subspace.dims == backbone.stem_dims else None


def unseparated_latent(codec: DeCodec, wav: Tensor) -> Tensor:
    """Latent Y [B, D, T] of wav [B, L] that takes the whole recording as speech, over a silent background.

    Raises:
        ValueError: if the codec has no analytic encoder, or its split has other sizes than its stems.
    """
    backbone = analytic_backbone(codec)
    if backbone is None:
        raise ValueError(
            "A latent without separation needs a backbone with an analytic encoder (mdct) "
            "and a split of the sizes of its stems."
        )
    speech = backbone.isolated_latent(pad_to_frames(wav, None, codec.hop)[0])
    return codec.subspace.merge(speech, speech.new_zeros(len(speech), backbone.stem_dims[1], speech.shape[2]))
