"""Power of both streams of tokens, by which the gate decides; and whether a recording has speech and background."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import tee

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming import concatenate, decode_blocks
from espnet2_decodec.codec.streaming.quantizing import StreamingDequantizer
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
    are decoded.

    Args:
        codec: model of the codes.
        codes: of batch 1, a whole recording; for a part of one see `blocks_with_powers`.
    """
    backbone = analytic_backbone(codec)
    if backbone is None:
        wavs = codec.decode(codes, background=False), codec.decode(codes, speech=False)
        speech, background = (frame_powers(wav, codec.hop)[0] for wav in wavs)
    else:
        speech, background = _latent_powers(backbone, codec.dequantize(codes))
    return _of_present_streams(codes, speech, background)


@torch.no_grad()
def silence_power(codec: DeCodec) -> float:
    """Power below which speech in tokens is digital silence: that of the loudest frame of coded silence and 3 dB.

    Between `gate.DIGITAL_SILENCE` and -80 dBFS, for a codec that does not code silence as such.
    """
    wav = torch.zeros(1, SILENCE_FRAMES * codec.hop, device=next(codec.parameters()).device)
    speech, _ = stream_powers(codec, codec.encode(wav))
    return min(max(2 * float(speech.max()), gate.SILENT_POWER), LARGEST_SILENCE)


@torch.no_grad()
def blocks_with_powers(codec: DeCodec, blocks: Iterable[Codes]) -> Iterator[tuple[Codes, Tensor, Tensor]]:
    """Blocks of tokens of one recording, each with the mean power of its frames [t] in both streams.

    The powers are those of the whole recording by `stream_powers`: a frame depends on the tokens around it, so a block
    is returned when those after it are known. Memory does not grow with the duration, unless the codec is recurrent.

    Args:
        codec: model of the codes.
        blocks: of batch 1, of any sizes. A stream without levels in a block has power 0 there.

    Raises:
        ValueError: if the codes do not match the codec.
    """
    if analytic_backbone(codec) is None and codec.receptive_field is None:
        codes = concatenate(blocks, codec)
        yield codes, *stream_powers(codec, codes.to(next(codec.parameters()).device))
        return
    waiting: deque[Codes] = deque()

    def read() -> Iterator[Codes]:
        for codes in blocks:
            waiting.append(codes)
            yield codes

    powers: Tensor | None = None
    for new in _powers_of_blocks(codec, read()):
        powers = new if powers is None else torch.cat([powers, new], dim=1)
        while waiting and waiting[0].speech.shape[2] <= powers.shape[1]:
            codes = waiting.popleft()
            found, powers = powers.tensor_split([codes.speech.shape[2]], dim=1)
            yield codes, *_of_present_streams(codes, found[0], found[1])


def streams_present(codec: DeCodec, blocks: Iterable[Codes]) -> tuple[bool, bool]:
    """Return whether the gate keeps speech and background in any second of a recording."""
    powers = [torch.stack(powers) for _, *powers in blocks_with_powers(codec, blocks)]
    speech, background = torch.cat(powers, dim=1)
    return gate.streams_present(speech, background, round(codec.frame_rate), silence_power(codec))


def _latent_powers(backbone: ParametricBackbone, latent: Tensor) -> Tensor:
    """Latent [1, D, T] -> mean power of each frame of both streams [2, T], according to their envelopes."""
    return torch.cat([backbone.frame_power(stem) for stem in latent.split(backbone.stem_dims, dim=1)])


def _powers_of_blocks(codec: DeCodec, blocks: Iterable[Codes]) -> Iterator[Tensor]:
    """Blocks of tokens -> mean power of the frames of both streams, in pieces [2, t] of other sizes."""
    backbone = analytic_backbone(codec)
    if backbone is not None:
        device, dequantizer = next(codec.parameters()).device, StreamingDequantizer(codec, True, True)
        for codes in blocks:
            yield _latent_powers(backbone, dequantizer.push(codes.to(device)).T[None])
        yield _latent_powers(backbone, dequantizer.flush().T[None])
        return
    first, second = tee(blocks)
    for wavs in zip(decode_blocks(codec, first, background=False), decode_blocks(codec, second, speech=False)):
        yield torch.cat([frame_powers(wav[None], codec.hop) for wav in wavs])


def _of_present_streams(codes: Codes, *powers: Tensor) -> tuple[Tensor, Tensor]:
    """The powers [T] of speech and background, 0 for a stream without levels."""
    speech, background = (
        power if tokens.shape[1] else torch.zeros_like(power)
        for tokens, power in zip((codes.speech, codes.background), powers)
    )
    return speech, background


def frame_powers(wav: Tensor, hop: int) -> Tensor:
    """Wav [B, L] -> mean power of each frame of `hop` samples [B, T]; the last one is padded with zeros."""
    return F.pad(wav, (0, -wav.shape[1] % hop)).unflatten(1, (-1, hop)).square().mean(2)
