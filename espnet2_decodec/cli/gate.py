"""Where a stream is too quiet to be worth its bits."""

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.types import Codes


def present(codec: DeCodec, codes: Codes, threshold: float) -> tuple[Tensor, Tensor]:
    """For the speech and the background of a recording: [T] bool, the frames not below the threshold.

    Args:
        codec: that made the codes.
        codes: of batch 1. They are decoded alone, so their first and last frames are judged roughly.
        threshold: mean power of a frame in dB of full scale (a square wave of amplitude 1 has 0 dB).
    """
    masks = []
    for heard in ((True, False), (False, True)):
        wav = codec.decode(codes, *heard)[0]
        wav = torch.nn.functional.pad(wav, (0, -len(wav) % codec.hop)).view(-1, codec.hop)
        masks.append(10 * torch.log10(wav.square().mean(1) + 1e-12) >= threshold)
    return masks[0], masks[1]
