"""Recordings in blocks: the same tokens and the same sound as in one piece, in memory that stays flat.

Every output frame depends on a limited number of frames around it (`DeCodec.receptive_field`). So a block is
computed together with that many frames before and after it, and only the frames whose surroundings are
complete are given out. The start and the end of the recording are treated as in the whole file. For live
use there are `Encoder` and `Decoder`, which hold that state; for files `encode_blocks`, `decode_blocks` and
`separate_blocks`, which take blocks of any size and compute in blocks of their own.

Everything here is about one recording: waveforms are [l], tokens are `Codes` of batch 1.
"""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.types import Codes, Stems

BLOCK = 500
"""Frames that the functions for files compute at a time (10 s by default)."""


def latency(codec: DeCodec) -> int:
    """Samples that must come in before `Encoder` and `Decoder` in a row give out the first one.

    For a causal codec this is `codec.latency`; one that is not causal looks further ahead.

    Raises:
        ValueError: if the codec cannot be cut into blocks.
    """
    (_, encoder_right), (_, decoder_right) = _reach(codec)
    return (1 + encoder_right + decoder_right) * codec.hop


def concatenate(blocks: Iterable[Codes]) -> Codes:
    """Blocks of one recording, in order, as one `Codes`.

    Raises:
        ValueError: if there are none, or they differ in their number of levels.
    """
    blocks = list(blocks)
    if not blocks:
        raise ValueError("There are no blocks of codes to put together.")
    if len({(b.speech.shape[1], b.background.shape[1]) for b in blocks}) > 1:
        raise ValueError("Blocks with different numbers of levels cannot be put together; decode them with decode_blocks.")
    return Codes(
        torch.cat([b.speech for b in blocks], dim=2),
        torch.cat([b.background for b in blocks], dim=2),
        torch.stack([b.lengths for b in blocks]).sum(0),
        blocks[0].sample_rate,
    )


class Encoder:
    """Live encoding: samples in, tokens out as soon as the frames that they depend on are complete.

    Each push computes the frames it gives out and the margins around them again, so larger pushes cost less.

    Args:
        codec: in eval mode.
        speech_levels, background_levels: how many levels to keep; None for all.

    Raises:
        ValueError: if the codec cannot be cut into blocks.
    """

    def __init__(self, codec: DeCodec, speech_levels: int | None = None, background_levels: int | None = None):
        self._latents = _LatentEncoder(codec)
        self.codec, self.levels = codec, (speech_levels, background_levels)

    def push(self, wav: Tensor) -> Codes | None:
        """The next samples [l], l >= 0 -> the tokens that are ready, or None.

        Raises:
            ValueError: if the shape or the levels cannot be right, or a sample is not finite.
        """
        return self._quantize(*self._latents.push(wav))

    def flush(self) -> Codes | None:
        """The tokens that are left at the end of the recording. The next push starts another one."""
        return self._quantize(*self._latents.flush())

    @torch.no_grad()
    def _quantize(self, latent: Tensor, samples: int) -> Codes | None:
        if not len(latent):
            return None
        return self.codec.quantize(latent.T[None], torch.tensor([samples], device=latent.device), *self.levels)


class Decoder:
    """Live decoding: tokens in, samples out as soon as the frames that they depend on are complete.

    Args:
        codec: in eval mode.
        speech, background: whether each stream is heard.

    Raises:
        ValueError: if the codec cannot be cut into blocks.
    """

    def __init__(self, codec: DeCodec, speech: bool = True, background: bool = True):
        self.codec, self.heard = codec, (speech, background)
        self._synthesis = _LatentDecoder(codec)

    def push(self, codes: Codes) -> Tensor:
        """The next tokens, of batch 1 -> the samples [l] that are ready, l >= 0.

        A block in which a stream has no levels is silent in that stream. All blocks but the last of a
        recording are whole frames long.

        Raises:
            ValueError: if the codes do not fit the codec, or come after a block that ended within a frame.
        """
        if len(codes.lengths) != 1:
            raise ValueError(f"Blocks of codes are of one recording, not of {len(codes.lengths)}.")
        return self._synthesis.push(_coordinates(self.codec, codes, *self.heard), int(codes.lengths[0]))

    def flush(self) -> Tensor:
        """The samples [l] that are left at the end of the recording. The next push starts another one."""
        return self._synthesis.flush()
