"""Streaming of files: blocks of any sizes in, computed in blocks of a fixed size."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming.codes import StreamingDecoder, StreamingEncoder
from espnet2_decodec.codec.streaming.context import rechunk
from espnet2_decodec.codec.streaming.latent import BLOCK_FRAMES, LatentDecoder, LatentEncoder
from espnet2_decodec.types import Codes, Stems


def encode_blocks(
    codec: DeCodec,
    blocks: Iterable[Tensor],
    speech_levels: int | None = None,
    background_levels: int | None = None,
    frames: int = BLOCK_FRAMES,
) -> Iterator[Codes]:
    """Blocks of samples [l] of one recording, of any sizes -> blocks of its tokens.

    All blocks but the last are whole frames; `concatenate` puts them together.

    Args:
        codec: in eval mode.
        blocks: samples in -1..1 at `codec.sample_rate`.
        speech_levels: number of leading levels; None for all.
        background_levels: the same for the background.
        frames: number of frames that are computed at a time.

    Raises:
        ValueError: if the codec is recurrent, the recording has no samples, or as in `StreamingEncoder`.
    """
    encoder = StreamingEncoder(codec, speech_levels, background_levels)
    return map(encoder.quantize, encoder.latents.encode(blocks, frames))


def decode_blocks(
    codec: DeCodec,
    codes: Iterable[Codes],
    speech: bool = True,
    background: bool = True,
    frames: int = BLOCK_FRAMES,
) -> Iterator[Tensor]:
    """Blocks of tokens of one recording, of any sizes -> blocks of its samples [l].

    Args:
        codec: in eval mode.
        codes: as for `StreamingDecoder.push`.
        speech: whether to decode the speech.
        background: whether to decode the background.
        frames: number of frames that are computed at a time.

    Raises:
        ValueError: if the codec is recurrent, or the codes do not match it.
    """
    decoder = StreamingDecoder(codec, speech, background)

    def generate() -> Iterator[Tensor]:
        for latent in rechunk(map(decoder.dequantize, codes), frames):
            yield decoder.latents.push(latent)
        yield decoder.flush()

    return (wav for wav in generate() if len(wav))


def separate_blocks(
    codec: DeCodec,
    blocks: Iterable[Tensor],
    quantize: bool = True,
    speech_levels: int | None = None,
    background_levels: int | None = None,
    frames: int = BLOCK_FRAMES,
) -> Iterator[Stems]:
    """Blocks of samples [l] of one recording -> blocks of its stems, [1, l'] each.

    Args:
        codec: in eval mode.
        blocks: as in `encode_blocks`.
        quantize: as in `DeCodec.separate`.
        speech_levels: number of leading levels; None for all.
        background_levels: the same for the background.
        frames: number of frames that are computed at a time.

    Raises:
        ValueError: as in `encode_blocks`.
    """
    levels = codec.check_levels(speech_levels, background_levels)
    if not quantize and isinstance(codec.backbone, ParametricBackbone):
        return _stem_blocks(LatentEncoder(codec, stems=True), blocks, frames)
    encoder, decoders = LatentEncoder(codec), (LatentDecoder(codec), LatentDecoder(codec))

    @torch.no_grad()
    def stem_latents(latent: Tensor) -> list[Tensor]:
        speech, background = codec.subspace.split(latent.T[None])
        if quantize:
            speech = codec.speech_quantizer.decode(codec.speech_quantizer.encode(speech, levels[0]))
            background = codec.background_quantizer.decode(codec.background_quantizer.encode(background, levels[1]))
        pairs = (speech, torch.zeros_like(background)), (torch.zeros_like(speech), background)
        return [codec.subspace.merge(*pair)[0].T for pair in pairs]

    def generate() -> Iterator[list[Tensor]]:
        for latent in encoder.encode(blocks, frames):
            for decoder in decoders:
                decoder.expect(len(latent) * codec.hop - encoder.missing)
            yield [decoder.push(stem) for decoder, stem in zip(decoders, stem_latents(latent))]
        yield [decoder.flush() for decoder in decoders]

    return (Stems(*(wav[None] for wav in pair)) for pair in generate() if len(pair[0]))


def _stem_blocks(encoder: LatentEncoder, blocks: Iterable[Tensor], frames: int) -> Iterator[Stems]:
    """Blocks of samples -> blocks of the stems before the decoder."""
    for stems in encoder.encode(blocks, frames):
        wavs = stems.transpose(0, 1).reshape(2, -1)
        yield Stems(*(wav[None, : wav.shape[0] - encoder.missing] for wav in wavs))
