"""Bit-packed token files, .dcd: written and read block by block, with a checksum and the id of their model.

After the header (see `header`) come blocks of `block_frames` frames (50, one second, by default; the last one
is shorter), and 4 bytes, little-endian: the CRC32 of all blocks followed by the header. A block is
  - one byte of flags: bit 0 = the speech stream is present, bit 1 = the background stream is present;
  - for every frame its speech tokens, level 1 first, if present, then its background tokens, if present, each
    in `bits` bits, highest bit first; the last byte is filled up with zeros.
A stream that is absent from a block costs nothing there but its flag (0.008 kbit/s with blocks of a second),
and decodes as silence: the reader gives a block of `Codes` in which that stream has no levels, and
`streaming.decode_blocks` takes the latent of such a stream as zero. The writer accepts the same blocks.
"""

import math
from pathlib import Path

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming import concatenate
from espnet2_decodec.io.dcd_reader import Reader
from espnet2_decodec.io.dcd_writer import Writer
from espnet2_decodec.io.header import Header
from espnet2_decodec.io.identity import codec_id
from espnet2_decodec.types import Codes

__all__ = ["Reader", "Writer", "header_for", "load", "save"]


def header_for(
    codec: DeCodec,
    speech_levels: int | None = None,
    background_levels: int | None = None,
    block_frames: int = 50,
) -> Header:
    """The header of files with tokens of `codec`; None for all levels."""
    return Header(
        bits=max(1, math.ceil(math.log2(codec.codebook_size))),
        speech_levels=codec.speech_levels if speech_levels is None else speech_levels,
        background_levels=codec.background_levels if background_levels is None else background_levels,
        sample_rate=codec.sample_rate,
        hop=codec.hop,
        block_frames=block_frames,
        codec_id=codec_id(codec),
    )


def save(path: str | Path, codes: Codes, codec: DeCodec) -> None:
    """Write the tokens of one whole recording (batch 1).

    Raises:
        ValueError: if they do not fit a file of this codec.
    """
    with Writer(path, header_for(codec, codes.speech.shape[1], codes.background.shape[1])) as writer:
        writer.write(codes)


def load(path: str | Path, codec: DeCodec | None = None) -> Codes:
    """The tokens of a whole file; see `Reader` for the arguments and the errors.

    Where a stream is absent from some blocks only, which a single `Codes` cannot say, it has the codec's tokens of silence;
    `Reader` has the blocks as they are, for `streaming.decode_blocks`.

    Raises:
        ValueError: also if there are such blocks, and no codec.
    """
    return concatenate(Reader(path, codec), codec)
