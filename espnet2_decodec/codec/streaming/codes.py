"""Streaming between samples and tokens, for live use."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming.latent import LatentDecoder, LatentEncoder, require_receptive_field
from espnet2_decodec.codec.streaming.quantizing import StreamingDequantizer, StreamingQuantizer
from espnet2_decodec.codec.validation import check_sample_rate, check_type
from espnet2_decodec.types import Codes


def latency(codec: DeCodec) -> int:
    """Algorithmic latency of `StreamingEncoder` and `StreamingDecoder` in samples, including that of the current frame.

    It equals `codec.latency` for a causal codec, and is larger for one with look-ahead.

    Raises:
        ValueError: if the codec is recurrent.
    """
    (_, encoder_right), (_, decoder_right) = require_receptive_field(codec)
    quantizers = codec.speech_quantizer, codec.background_quantizer
    tokens, parameters = (max(q.encoding_context[1] for q in quantizers), max(q.context[1] for q in quantizers))
    return (1 + encoder_right + tokens + parameters + decoder_right) * codec.hop


class StreamingEncoder:
    """Samples in, tokens out as soon as the frames on which they depend are complete.

    Each push computes the context of its frames again, so larger pushes take less time per second of audio.

    Args:
        codec: in eval mode.
        speech_levels, background_levels: number of leading levels; None for all.

    Raises:
        ValueError: if the codec is recurrent, or does not have that many levels.
    """

    def __init__(self, codec: DeCodec, speech_levels: int | None = None, background_levels: int | None = None):
        self.codec, self.latents = codec, LatentEncoder(codec)
        self._quantizer = StreamingQuantizer(codec, codec.check_levels(speech_levels, background_levels))

    def push(self, wav: Tensor) -> Codes | None:
        """The next samples [l], l >= 0 -> the tokens that are complete, or None.

        Raises:
            ValueError: if the shape is wrong or a sample is not finite.
        """
        latent = self.latents.push(wav)
        return None if latent is None else self._codes([self._quantizer.push(latent)])

    def flush(self) -> Codes | None:
        """The remaining tokens at the end of the recording, or None. The next push starts another one."""
        latent = self.latents.flush()
        parts = [None if latent is None else self._quantizer.push(latent), self._quantizer.flush()]
        return self._codes(parts)

    def _codes(self, parts: list[tuple[Tensor, Tensor] | None]) -> Codes | None:
        """Tokens of both streams, in order -> `Codes`, or None; the last frame may be incomplete."""
        found = [part for part in parts if part is not None]
        if not found:
            return None
        speech, background = (torch.cat(tokens, dim=2) for tokens in zip(*found))
        samples = speech.shape[2] * self.codec.hop - self.latents.missing
        return Codes(speech, background, torch.tensor([samples], device=speech.device), self.codec.sample_rate)


class StreamingDecoder:
    """Tokens in, samples out as soon as the frames on which they depend are complete.

    Args:
        codec: in eval mode.
        speech, background: whether to decode the stream.

    Raises:
        ValueError: if the codec is recurrent.
    """

    def __init__(self, codec: DeCodec, speech: bool = True, background: bool = True):
        self.codec, self.latents = codec, LatentDecoder(codec)
        self._dequantizer = StreamingDequantizer(codec, speech, background)

    def push(self, codes: Codes) -> Tensor:
        """The next tokens, of batch size 1 -> the samples [l] that are complete, l >= 0.

        A stream without levels is silent in this block. All blocks but the last of a recording are whole frames.

        Raises:
            ValueError: if the codes do not match the codec, or follow a block that ended within a frame.
        """
        return self.latents.push(self.dequantize(codes))

    def flush(self) -> Tensor:
        """The remaining samples [l] at the end of the recording. The next push starts another one."""
        return torch.cat([self.latents.push(self.flush_latent()), self.latents.flush()])

    def dequantize(self, codes: Codes) -> Tensor:
        """Tokens -> the latent frames [t, D] that are complete; the samples are announced to `latents`.

        Raises:
            ValueError: as in `push`.
        """
        codec = self.codec
        check_sample_rate(codes, codec.sample_rate)
        if len(codes.lengths) != 1 or codes.speech.shape[2] != -(-int(codes.lengths[0]) // codec.hop):
            raise ValueError("A block of codes must be of one recording, with as many frames as its length needs.")
        latent = self._dequantizer.push(codes.to(next(codec.parameters()).device))
        self.latents.expect(int(codes.lengths[0]))
        return latent

    def flush_latent(self) -> Tensor:
        """The remaining latent frames [t, D] at the end of the recording."""
        return self._dequantizer.flush()


def concatenate(blocks: Iterable[Codes], codec: DeCodec | None = None) -> Codes:
    """Blocks of one recording, in order, as one `Codes`.

    Args:
        blocks: some may lack the levels of a stream that others have, if there is a codec.
        codec: its tokens of silence replace those of a missing stream.

    Raises:
        ValueError: if there are no blocks, or they differ in their sample rates, numbers of recordings or of levels.
        TypeError: if one is not `Codes`.
    """
    blocks = list(blocks)
    if not blocks:
        raise ValueError("There are no blocks of codes to concatenate.")
    for block in blocks:
        check_type(block)
    if len({(block.sample_rate, len(block.lengths)) for block in blocks}) > 1:
        raise ValueError("Blocks of codes of different sample rates or batch sizes cannot be concatenated.")
    if codec is not None:
        levels = max(b.speech.shape[1] for b in blocks), max(b.background.shape[1] for b in blocks)
        device = next(codec.parameters()).device

        @cache
        def silence(frames: int) -> Codes:
            return codec.encode(torch.zeros(1, frames * codec.hop, device=device), None, *levels)

        blocks = [_fill_streams(block, silence, levels) for block in blocks]
    if len({(b.speech.shape[1], b.background.shape[1]) for b in blocks}) > 1:
        raise ValueError("Blocks of codes with different numbers of levels cannot be concatenated.")
    return Codes(
        torch.cat([b.speech for b in blocks], dim=2),
        torch.cat([b.background for b in blocks], dim=2),
        torch.stack([b.lengths for b in blocks]).sum(0),
        blocks[0].sample_rate,
    )


def _fill_streams(block: Codes, silence: Callable[[int], Codes], levels: tuple[int, int]) -> Codes:
    """The block with tokens of silence, of as many frames, for a stream without levels."""
    if all(tokens.shape[1] or not count for tokens, count in zip((block.speech, block.background), levels)):
        return block
    silent = silence(block.speech.shape[2])
    return replace(
        block,
        speech=block.speech if block.speech.shape[1] else silent.speech.to(block.speech),
        background=block.background if block.background.shape[1] else silent.background.to(block.background),
    )
