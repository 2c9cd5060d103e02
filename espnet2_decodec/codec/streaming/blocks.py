"""Streaming of files: blocks of any sizes in, computed in blocks of a fixed size."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming.codes import StreamingDecoder, StreamingEncoder
from espnet2_decodec.codec.streaming.context import rechunk
from espnet2_decodec.codec.streaming.latent import BLOCK_FRAMES, LatentDecoder, LatentEncoder, check_block
from espnet2_decodec.codec.validation import check_unquantized
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

    def generate() -> Iterator[Codes | None]:
        empty = True
        samples = (check_block(codec.as_input(block)) for block in blocks)
        for wav in rechunk(samples, frames * codec.hop):
            empty = False
            yield encoder.push(wav)
        if empty:
            raise ValueError("The recording has no samples.")
        yield encoder.flush()

    return (codes for codes in generate() if codes is not None)


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
        for latent in rechunk(latents(), frames):
            yield decoder.latents.push(latent)
        yield decoder.latents.flush()

    def latents() -> Iterator[Tensor]:
        yield from map(decoder.dequantize, codes)
        yield decoder.flush_latent()

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
        ValueError: as in `encode_blocks`, or if there are levels without quantizers.
    """
    if not quantize:
        check_unquantized(speech_levels, background_levels)
    levels = codec.check_levels(speech_levels, background_levels)
    if not quantize and isinstance(codec.backbone, ParametricBackbone):
        return _stem_blocks(LatentEncoder(codec, stems=True), blocks, frames)
    if quantize:
        tokens = encode_blocks(codec, blocks, *levels, frames)
        return _stems(codec, tokens, (StreamingDecoder(codec, True, False), StreamingDecoder(codec, False, True)))
    return _decoded_blocks(codec, blocks, frames)


def _stems(
    codec: DeCodec, tokens: Iterable[Codes], decoders: tuple[StreamingDecoder, StreamingDecoder]
) -> Iterator[Stems]:
    """Blocks of tokens -> blocks of the decoded stems.

    The context of a quantizer delays one stem more than the other, so the samples that one is ahead wait for the other.
    """

    def generate() -> Iterator[list[Tensor]]:
        for codes in tokens:
            yield [decoder.push(codes) for decoder in decoders]
        yield [decoder.flush() for decoder in decoders]

    rest: list[Tensor] | None = None
    for new in generate():
        pair = new if rest is None else [torch.cat(wavs) for wavs in zip(rest, new)]
        ready = min(map(len, pair))
        rest = [wav[ready:] for wav in pair]
        if ready:
            yield Stems(*(wav[None, :ready] for wav in pair))


def _decoded_blocks(codec: DeCodec, blocks: Iterable[Tensor], frames: int) -> Iterator[Stems]:
    """Blocks of samples -> blocks of the stems decoded without quantization."""
    encoder, decoders = LatentEncoder(codec), (LatentDecoder(codec), LatentDecoder(codec))

    def generate() -> Iterator[list[Tensor]]:
        for speech, background in encoder.encode_streams(blocks, frames):
            pairs = (speech, torch.zeros_like(background)), (torch.zeros_like(speech), background)
            for decoder in decoders:
                decoder.expect(speech.shape[2] * codec.hop - encoder.missing)
            yield [decoder.push(codec.subspace.merge(*pair)[0].T) for decoder, pair in zip(decoders, pairs)]
        yield [decoder.flush() for decoder in decoders]

    return (Stems(*(wav[None] for wav in pair)) for pair in generate() if len(pair[0]))


def _stem_blocks(encoder: LatentEncoder, blocks: Iterable[Tensor], frames: int) -> Iterator[Stems]:
    """Blocks of samples -> blocks of the stems before the decoder."""
    for stems in encoder.encode(blocks, frames):
        wavs = stems.transpose(0, 1).reshape(2, -1)
        yield Stems(*(wav[None, : wav.shape[0] - encoder.missing] for wav in wavs))
