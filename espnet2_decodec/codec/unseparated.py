"""Encoding without separation, as a control of experiments."""

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.padding import pad_to_frames


def supports_unseparated(codec: DeCodec) -> bool:
    """Whether the codec has an analytic encoder and a speech latent that is half of the latent."""
    return isinstance(codec.backbone, ParametricBackbone) and 2 * codec.speech_quantizer.dim == codec.backbone.dim


def unseparated_latent(codec: DeCodec, wav: Tensor) -> Tensor:
    """Latent Y [B, D, T] of wav [B, L] that takes the whole recording as speech, over a silent background.

    Raises:
        ValueError: if the codec does not support it, see `supports_unseparated`.
    """
    backbone = codec.backbone
    if not (isinstance(backbone, ParametricBackbone) and supports_unseparated(codec)):
        raise ValueError(
            "A latent without separation needs a backbone with an analytic encoder (mdct) "
            "and a speech latent of half its dimension."
        )
    speech = backbone.target_latent(pad_to_frames(wav, None, codec.hop)[0])
    return codec.subspace.merge(speech, torch.zeros_like(speech))
