"""Power of both streams of tokens, by which the gate decides; and whether a recording has speech and background."""

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.unseparated import analytic_backbone
from espnet2_decodec.io import gate
from espnet2_decodec.types import Codes

SILENCE_FRAMES = 300
"""Frames of silence that `silence_power` encodes."""
LARGEST_SILENCE = 1e-8


@torch.no_grad()
def stream_powers(codec: DeCodec, codes: Codes) -> tuple[Tensor, Tensor]:
    """Return the mean power of each frame [T] of both streams; a square wave of amplitude 1 has power 1.

    The power is computed from the latent if the backbone can do so, which costs almost nothing; otherwise both streams
    are decoded, and the power of the first and last frames is approximate.

    Args:
        codec: model of the codes.
        codes: of batch 1.
    """
    speech, background = _latent_powers(codec, codes) or [
        _decoded_power(codec, codes, *s) for s in ((True, False), (False, True))
    ]
    return speech[0], background[0]


@torch.no_grad()
def silence_power(codec: DeCodec) -> float:
    """Power below which speech in tokens is digital silence: that of the loudest frame of coded silence and 3 dB.

    Between `gate.DIGITAL_SILENCE` and -80 dBFS, for a codec that does not code silence as such.
    """
    wav = torch.zeros(1, SILENCE_FRAMES * codec.hop, device=next(codec.parameters()).device)
    speech, _ = stream_powers(codec, codec.encode(wav))
    return min(max(2 * float(speech.max()), gate.SILENT_POWER), LARGEST_SILENCE)


def streams_present(codec: DeCodec, blocks: Iterable[Codes]) -> tuple[bool, bool]:
    """Return whether the gate keeps speech and background in any second of a recording."""
    powers = []
    for block in blocks:
        codes = replace(block, speech=block.speech.long(), background=block.background.long())
        if codes.speech.shape[1] and codes.background.shape[1]:
            powers.append(torch.stack(stream_powers(codec, codes.to(next(codec.parameters()).device))).cpu())
        else:
            frames = codes.speech.shape[2]
            stored = torch.tensor([[float(codes.speech.shape[1] > 0)], [float(codes.background.shape[1] > 0)]])
            powers.append(stored.expand(2, frames))
    speech, background = torch.cat(powers, dim=1)
    return gate.streams_present(speech, background, round(codec.frame_rate), silence_power(codec))


def _latent_powers(codec: DeCodec, codes: Codes) -> list[Tensor] | None:
    """Return the mean power of each frame [1, T] of both streams from their latent, None if the backbone cannot."""
    backbone = analytic_backbone(codec)
    if backbone is None:
        return None
    streams = codec.speech_quantizer.decode(codes.speech), codec.background_quantizer.decode(codes.background)
    return [backbone.frame_power(stem) for stem in codec.subspace.merge(*streams).split(backbone.stem_dims, dim=1)]


def _decoded_power(codec: DeCodec, codes: Codes, speech: bool, background: bool) -> Tensor:
    """Return the mean power of each frame [1, T] of the decoded audio."""
    return frame_powers(codec.decode(codes, speech, background), codec.hop)


def frame_powers(wav: Tensor, hop: int) -> Tensor:
    """Wav [B, L] -> mean power of each frame of `hop` samples [B, T]; the last one is padded with zeros."""
    return F.pad(wav, (0, -wav.shape[1] % hop)).unflatten(1, (-1, hop)).square().mean(2)
