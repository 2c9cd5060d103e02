"""Recordings in blocks: the same tokens and the same sound as in one piece, in memory that stays flat.

Every output frame depends on a limited number of frames around it (`DeCodec.receptive_field`). So a block is
computed together with that many frames before and after it, and only the frames whose surroundings are
complete are given out. The start and the end of the recording are treated as in the whole file. For live
use there are `Encoder` and `Decoder`, which hold that state; for files `encode_blocks`, `decode_blocks` and
`separate_blocks`, which take blocks of any size and compute in blocks of their own.

Everything here is about one recording: waveforms are [l], tokens are `Codes` of batch 1.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.latent_stream import (
    LatentDecoder,
    LatentEncoder,
    levels_of,
    one_channel,
    quantizers,
    reach,
)
from espnet2_decodec.codec.windows import rechunk
from espnet2_decodec.types import Codes, Stems

BLOCK = 500
"""Frames that the functions for files compute at a time (10 s by default)."""


def latency(codec: DeCodec) -> int:
    """Samples from the one that is heard to the last one that `Encoder` and `Decoder` in a row wait for.

    For a causal codec this is `codec.latency`; one that is not causal looks further ahead.

    Raises:
        ValueError: if the codec cannot be cut into blocks.
    """
    (_, encoder_right), (_, decoder_right) = reach(codec)
    return (1 + encoder_right + decoder_right) * codec.hop


def concatenate(blocks: Iterable[Codes], codec: DeCodec | None = None) -> Codes:
    """Blocks of one recording, in order, as one `Codes`.

    Args:
        blocks: some of them may be without levels of a stream that the others have, if there is a codec.
        codec: whose tokens of silence fill such gaps.

    Raises:
        ValueError: if there are none, or they differ in their number of levels.
    """
    blocks = list(blocks)
    if not blocks:
        raise ValueError("There are no blocks of codes to put together.")
    if codec is not None:
        levels = max(b.speech.shape[1] for b in blocks), max(b.background.shape[1] for b in blocks)

        @cache
        def silence(frames: int) -> Codes:
            return codec.encode(
                torch.zeros(1, frames * codec.hop, device=next(codec.parameters()).device), None, *levels
            )

        blocks = [_filled(block, silence, levels) for block in blocks]
    if len({(b.speech.shape[1], b.background.shape[1]) for b in blocks}) > 1:
        raise ValueError("Blocks of codes with different numbers of levels cannot be put together.")
    return Codes(
        torch.cat([b.speech for b in blocks], dim=2),
        torch.cat([b.background for b in blocks], dim=2),
        torch.stack([b.lengths for b in blocks]).sum(0),
        blocks[0].sample_rate,
    )


def _filled(block: Codes, silence: Callable[[int], Codes], levels: tuple[int, int]) -> Codes:
    """A block with tokens of silence, of as many frames, for a stream that it has no levels of."""
    if all(tokens.shape[1] or not wanted for tokens, wanted in zip((block.speech, block.background), levels)):
        return block
    silent = silence(block.speech.shape[2])
    return replace(
        block,
        speech=block.speech if block.speech.shape[1] else silent.speech.to(block.speech),
        background=block.background if block.background.shape[1] else silent.background.to(block.background),
    )


class Encoder:
    """Live encoding: samples in, tokens out as soon as the frames that they depend on are complete.

    Each push computes the margins around its frames again, so larger pushes cost less per second.

    Args:
        codec: in eval mode.
        speech_levels, background_levels: how many levels to keep; None for all.

    Raises:
        ValueError: if the codec cannot be cut into blocks, or does not have that many levels.
    """

    def __init__(self, codec: DeCodec, speech_levels: int | None = None, background_levels: int | None = None):
        self.codec, self.latents = codec, LatentEncoder(codec)
        self.levels = levels_of(codec, speech_levels, background_levels)

    def push(self, wav: Tensor) -> Codes | None:
        """The next samples [l], l >= 0 -> the tokens that are ready, or None.

        Raises:
            ValueError: if the shape is wrong or a sample is not finite.
        """
        return self.quantize(self.latents.push(wav))

    def flush(self) -> Codes | None:
        """The tokens that are left at the end of the recording. The next push starts another one."""
        return self.quantize(self.latents.flush(), self.latents.missing)

    @torch.no_grad()
    def quantize(self, latent: Tensor | None, missing: int = 0) -> Codes | None:
        """Latent frames [t, D], the last one `missing` samples short -> their tokens."""
        if latent is None:
            return None
        streams = self.codec.subspace.split(latent.T[None])
        codes = [q.encode(x, k) for q, x, k in zip(quantizers(self.codec), streams, self.levels)]
        samples = torch.tensor([len(latent) * self.codec.hop - missing], device=latent.device)
        return Codes(*codes, samples, self.codec.sample_rate)


class Decoder:
    """Live decoding: tokens in, samples out as soon as the frames that they depend on are complete.

    Args:
        codec: in eval mode.
        speech, background: whether each stream is heard.

    Raises:
        ValueError: if the codec cannot be cut into blocks.
    """

    def __init__(self, codec: DeCodec, speech: bool = True, background: bool = True):
        self.codec, self.heard, self.synthesis = codec, (speech, background), LatentDecoder(codec)

    def push(self, codes: Codes) -> Tensor:
        """The next tokens, of batch 1 -> the samples [l] that are ready, l >= 0.

        A block in which a stream has no levels is silent in that stream. All blocks but the last of a
        recording are whole frames long.

        Raises:
            ValueError: if the codes do not fit the codec, or come after a block that ended within a frame.
        """
        return self.synthesis.push(self.look_up(codes))

    def flush(self) -> Tensor:
        """The samples [l] that are left at the end of the recording. The next push starts another one."""
        return self.synthesis.flush()

    @torch.no_grad()
    def look_up(self, codes: Codes) -> Tensor:
        """Tokens -> latent frames [t, D], and their samples are expected; see `push`."""
        codec = self.codec
        if codes.sample_rate != codec.sample_rate:
            raise ValueError(
                f"The codes are of {codes.sample_rate} Hz audio, this codec works at {codec.sample_rate} Hz."
            )
        if len(codes.lengths) != 1 or codes.speech.shape[2] != -(-int(codes.lengths[0]) // codec.hop):
            raise ValueError("A block of codes is of one recording, with as many frames as its length needs.")
        streams = []
        for tokens, quantizer, heard in zip((codes.speech, codes.background), quantizers(codec), self.heard):
            if tokens.shape[1] > quantizer.levels:
                raise ValueError(
                    f"The codes have {tokens.shape[1]} levels in a stream that has {quantizer.levels} here."
                )
            if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < codec.codebook_size:
                raise ValueError(f"A code is outside 0..{codec.codebook_size - 1}.")
            streams.append(quantizer.decode(tokens.to(quantizer.codebooks.device) if heard else tokens[:, :0]))
        self.synthesis.expect(int(codes.lengths[0]))
        return codec.subspace.merge(*streams)[0].T


def encode_blocks(
    codec: DeCodec,
    blocks: Iterable[Tensor],
    speech_levels: int | None = None,
    background_levels: int | None = None,
    frames: int = BLOCK,
) -> Iterator[Codes]:
    """Blocks of samples [l] of one recording, of any sizes -> blocks of its tokens.

    All blocks but the last hold whole frames; `concatenate` puts them together.

    Args:
        codec: in eval mode.
        blocks: samples in -1..1 at `codec.sample_rate`.
        speech_levels, background_levels: how many levels to keep; None for all.
        frames: how many to compute at a time.

    Raises:
        ValueError: if the codec cannot be cut into blocks, the recording has no samples, or as `Encoder`.
    """
    encoder = Encoder(codec, speech_levels, background_levels)

    def generate() -> Iterator[Codes]:
        for latent in _latent_blocks(encoder.latents, blocks, frames):
            yield encoder.quantize(latent, encoder.latents.missing)

    return generate()


def decode_blocks(
    codec: DeCodec, codes: Iterable[Codes], speech: bool = True, background: bool = True, frames: int = BLOCK
) -> Iterator[Tensor]:
    """Blocks of tokens of one recording, of any sizes -> blocks of its samples [l].

    Args:
        codec: in eval mode.
        codes: as `Decoder.push` takes them.
        speech, background: whether each stream is heard.
        frames: how many to compute at a time.

    Raises:
        ValueError: if the codec cannot be cut into blocks, or the codes do not fit it.
    """
    decoder = Decoder(codec, speech, background)

    def generate() -> Iterator[Tensor]:
        for latent in rechunk((decoder.look_up(c) for c in codes), frames):
            yield decoder.synthesis.push(latent)
        yield decoder.flush()

    return (wav for wav in generate() if len(wav))


def separate_blocks(
    codec: DeCodec,
    blocks: Iterable[Tensor],
    quantize: bool = True,
    speech_levels: int | None = None,
    background_levels: int | None = None,
    frames: int = BLOCK,
) -> Iterator[Stems]:
    """Blocks of samples [l] of one recording -> blocks of its stems, each [1, l'].

    Args:
        codec, blocks, speech_levels, background_levels, frames: see `encode_blocks`.
        quantize: as in `DeCodec.separate`.

    Raises:
        ValueError: as `encode_blocks`.
    """
    levels = levels_of(codec, speech_levels, background_levels)
    if not quantize and codec.has_stems:
        return _stem_blocks(LatentEncoder(codec, stems=True), blocks, frames)
    encoder, decoders = LatentEncoder(codec), (LatentDecoder(codec), LatentDecoder(codec))

    @torch.no_grad()
    def parts(latent: Tensor) -> list[Tensor]:
        streams = codec.subspace.split(latent.T[None])
        if quantize:
            streams = [q.decode(q.encode(x, k)) for q, x, k in zip(quantizers(codec), streams, levels)]
        speech, background = streams
        alone = (speech, torch.zeros_like(background)), (torch.zeros_like(speech), background)
        return [codec.subspace.merge(*pair)[0].T for pair in alone]

    def generate() -> Iterator[list[Tensor]]:
        for latent in _latent_blocks(encoder, blocks, frames):
            for decoder in decoders:
                decoder.expect(len(latent) * codec.hop - encoder.missing)
            yield [decoder.push(part) for decoder, part in zip(decoders, parts(latent))]
        yield [decoder.flush() for decoder in decoders]

    return (Stems(*(wav[None] for wav in pair)) for pair in generate() if len(pair[0]))


def _stem_blocks(encoder: LatentEncoder, blocks: Iterable[Tensor], frames: int) -> Iterator[Stems]:
    """Blocks of samples -> blocks of the stems that the backbone has before the decoder."""
    for stems in _latent_blocks(encoder, blocks, frames):
        wavs = stems.transpose(0, 1).reshape(2, -1)
        yield Stems(*(wav[None, : wav.shape[0] - encoder.missing] for wav in wavs))


def _latent_blocks(encoder: LatentEncoder, blocks: Iterable[Tensor], frames: int) -> Iterator[Tensor]:
    """Blocks of samples -> blocks of latent frames [t, D], computed about `frames` at a time."""
    empty = True
    for wav in rechunk(map(one_channel, blocks), frames * encoder.codec.hop):
        empty = False
        latent = encoder.push(wav)
        if latent is not None:
            yield latent
    if empty:
        raise ValueError("The recording has no samples.")
    latent = encoder.flush()
    if latent is not None:
        yield latent
