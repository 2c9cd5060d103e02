"""Unquantized coordinates of the streams: from the parametric levels of tokens, and to a waveform."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming.context import rechunk
from espnet2_decodec.codec.streaming.latent import BLOCK_FRAMES, LatentDecoder
from espnet2_decodec.types import Codes


def decode_parametric(codec: DeCodec, codes: Codes) -> Tensor:
    """Leading coordinates [T, C] of the speech of one recording, decoded from its parametric levels.

    Raises:
        ValueError: if the codes lack one of these levels.
    """
    levels, quantizer = codec.parametric_levels, codec.speech_quantizer
    if codes.speech.shape[1] < levels:
        raise ValueError(f"A voice needs the first {levels} speech levels, not {codes.speech.shape[1]}.")
    return quantizer.decode(codes.speech[:, :levels])[0, : quantizer.parametric_dim].T


@torch.no_grad()
def decode_coordinates(
    codec: DeCodec,
    speech: Iterable[Tensor],
    background: Iterable[Tensor] = (),
    samples: int | None = None,
    frames: int = BLOCK_FRAMES,
) -> Iterator[Tensor]:
    """Waveform of unquantized coordinates.

    Args:
        codec: in eval mode.
        speech: blocks [t, C] of the leading coordinates of the speech; the others are zero.
        background: blocks [t, D_b] of the coordinates of the background; silence after their end.
        samples: number of samples in total; None for whole frames.
        frames: number of frames that are decoded at a time.

    Returns:
        Blocks of samples [l].
    """
    decoder, backgrounds = LatentDecoder(codec), rechunk(background, frames)
    if samples is not None:
        decoder.expect(samples)
    for block in rechunk(speech, frames):
        if samples is None:
            decoder.expect(len(block) * codec.hop)
        padded = block.new_zeros(len(block), codec.background_quantizer.dim)
        part = next(backgrounds, padded)[: len(block)]
        padded[: len(part)] = part
        yield decoder.push(codec.subspace.merge(pad_coordinates(codec, block), padded.T[None])[0].T)
    yield decoder.flush()


def pad_coordinates(codec: DeCodec, coordinates: Tensor) -> Tensor:
    """Leading speech coordinates [T, C] -> all of them [1, D_s, T], the others zero."""
    padded = coordinates.new_zeros(1, codec.speech_quantizer.dim, len(coordinates))
    padded[0, : coordinates.shape[1]] = coordinates.T
    return padded
