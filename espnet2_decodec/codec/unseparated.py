"""Encoding without the trained encoder, and so without separation: targets of training, a control of experiments."""

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.padding import pad_to_frames


def analytic_backbone(codec: DeCodec) -> ParametricBackbone | None:
    """The backbone, if it computes latents of stems without its encoder and the split halves the latent; else None."""
    halved = 2 * codec.speech_quantizer.dim == codec.backbone.dim
    return codec.backbone if halved and isinstance(codec.backbone, ParametricBackbone) else None


def unseparated_latent(codec: DeCodec, wav: Tensor) -> Tensor:
    """Latent Y [B, D, T] of wav [B, L] that takes the whole recording as speech, over a silent background.

    Raises:
        ValueError: if the codec has no analytic encoder, or its split does not halve the latent.
    """
    backbone = analytic_backbone(codec)
    if backbone is None:
        raise ValueError(
            "A latent without separation needs a backbone with an analytic encoder (mdct) "
            "and a speech latent of half its dimension."
        )
    speech = backbone.target_latent(pad_to_frames(wav, None, codec.hop)[0])
    return codec.subspace.merge(speech, torch.zeros_like(speech))
