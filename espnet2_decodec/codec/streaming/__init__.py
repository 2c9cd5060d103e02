"""Recordings in blocks: the same tokens and samples as in one piece, in constant memory.

An output frame depends on a limited number of input frames (`DeCodec.receptive_field`). So a block is computed together
with that many frames before and after it, and only the frames with complete context are returned. The start and the end
of a recording are treated as those of a whole file.

`StreamingEncoder` and `StreamingDecoder` are for live use; `encode_blocks`, `decode_blocks` and `separate_blocks` are
for files and take blocks of any size. All are about one recording: waveforms are [l], tokens are `Codes` of batch size
1.
"""

from espnet2_decodec.codec.streaming.blocks import decode_blocks, encode_blocks, separate_blocks
from espnet2_decodec.codec.streaming.codes import StreamingDecoder, StreamingEncoder, concatenate, latency
from espnet2_decodec.codec.streaming.context import first_pieces, rechunk
from espnet2_decodec.codec.streaming.coordinates import decode_coordinates, decode_parametric, pad_coordinates
from espnet2_decodec.codec.streaming.latent import BLOCK_FRAMES, LatentDecoder, LatentEncoder

__all__ = [
    "BLOCK_FRAMES",
    "LatentDecoder",
    "LatentEncoder",
    "StreamingDecoder",
    "StreamingEncoder",
    "concatenate",
    "decode_blocks",
    "decode_coordinates",
    "decode_parametric",
    "encode_blocks",
    "first_pieces",
    "latency",
    "pad_coordinates",
    "rechunk",
    "separate_blocks",
]
