"""Where a stream is too quiet to be worth its bits."""

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.types import Codes

GATE = -60.0
"""dB of full scale, over a second: speech at the usual level is 30 to 35 dB above it."""


@torch.no_grad()
def power(codec: DeCodec, codes: Codes, threshold: float) -> tuple[Tensor, Tensor]:
    """Of the speech and of the background of a recording: [T] mean power of each frame, relative to the threshold.

    Told by the coordinates where they tell it, so that it costs next to nothing; else both streams are decoded.

    Args:
        codec: that made the codes.
        codes: of batch 1. If they have to be decoded, their first and last frames are judged roughly.
        threshold: in dB of full scale (a square wave of amplitude 1 has 0 dB).
    """
    powers = _told(codec, codes) or [_decoded(codec, codes, *heard) for heard in ((True, False), (False, True))]
    return tuple(power[0] / 10 ** (threshold / 10) for power in powers)


def _told(codec: DeCodec, codes: Codes) -> list[Tensor] | None:
    """Mean power of each frame [1, T] of both streams by their coordinates; None where these do not tell."""
    if 2 * codec.speech_quantizer.dim != codec.backbone.dim:
        return None
    parts = codec.speech_quantizer.decode(codes.speech), codec.background_quantizer.decode(codes.background)
    powers = [codec.backbone.frame_power(half) for half in codec.subspace.merge(*parts).chunk(2, dim=1)]
    return None if powers[0] is None else powers


def _decoded(codec: DeCodec, codes: Codes, speech: bool, background: bool) -> Tensor:
    """Mean power of each frame [1, T] of a stream."""
    wav = codec.decode(codes, speech, background)
    wav = torch.nn.functional.pad(wav, (0, -wav.shape[1] % codec.hop))
    return wav.view(1, -1, codec.hop).square().mean(2)
