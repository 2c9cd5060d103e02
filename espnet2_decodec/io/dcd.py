"""Reading and writing of bit-packed token files, .dcd, block by block; `dcd_format` has their layout.

A block of `Codes` may lack a stream: that stream then has no levels in it, and `streaming.decode_blocks` decodes it as
silence. Both `Reader` and `Writer` use such blocks.
"""

import math
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming import concatenate
from espnet2_decodec.io.dcd_format import HEADER_SIZE, Header, pack_bits, read_info, unpack_bits
from espnet2_decodec.io.errors import ModelMismatchError
from espnet2_decodec.io.gate import Gate
from espnet2_decodec.io.identity import codec_id, packaged_codec
from espnet2_decodec.io.pipes import SpooledInput
from espnet2_decodec.types import Codes


class Reader:
    """A .dcd file as an iterable of blocks of tokens; every iteration reads the file from its start.

    The whole file is checked first, so that no part of a damaged file is decoded.

    Args:
        path: the file.
        codec: model that will decode the tokens; None skips the check of its id.

    Attributes:
        info: header, presence of the streams, and size.

    Raises:
        MissingFileError, DcdFormatError, DcdVersionError, TruncatedFileError, ChecksumError: see `read_info`.
        ModelMismatchError: if another model encoded the tokens.
    """

    def __init__(self, path: str | Path, codec: DeCodec | None = None):
        self._input = SpooledInput(path)
        self.path, self.info = Path(path), read_info(self._input)
        if codec is not None:
            self.check_codec(codec)

    @property
    def header(self) -> Header:
        """The header of the file."""
        return self.info.header

    def check_codec(self, codec: DeCodec) -> None:
        """Check that a codec can decode the tokens.

        Raises:
            ModelMismatchError: if another model encoded them; the message names it if it is in the package.
        """
        found = self.header.codec_id
        if codec_id(codec) == found:
            return
        folder, own = packaged_codec(found), codec_id(codec).hex()
        if folder is not None:
            raise ModelMismatchError(
                f"{self.path} was encoded by {folder.name} (id {found.hex()}), not by this model (id {own}): decode it "
                "with that one."
            )
        raise ModelMismatchError(
            f"{self.path} was encoded by another model (id {found.hex()}) than this one (id {own}); give the folder of "
            "the right one."
        )

    def __iter__(self) -> Iterator[Codes]:
        """Yield blocks of tokens of batch 1; a stream that is absent from a block has no levels in it."""
        header, samples_left = self.header, self.header.length
        with open(self._input.path, "rb") as file:
            file.seek(HEADER_SIZE)
            for index in range(header.blocks):
                flags, frames = file.read(1)[0], header.frames_in_block(index)
                levels = header.levels_in_block(flags)
                data = file.read(header.bytes_in_block(index, flags))
                tokens = torch.from_numpy(unpack_bits(data, frames * sum(levels), header.bits))
                speech, background = tokens.view(frames, sum(levels)).T[None].split(levels, dim=1)
                samples = min(samples_left, frames * header.hop)
                samples_left -= samples
                yield Codes(speech, background, torch.tensor([samples]), header.sample_rate)


class Writer:
    """Context manager that writes the tokens of one recording; the file appears under its name on success.

    Args:
        path: output file.
        header: see `make_header`; its length is ignored.
        gate: decides which streams of each block of the file are left out; None for none.
    """

    def __init__(self, path: str | Path, header: Header, gate: Gate | None = None):
        self.path, self.header, self.gate = Path(path), header, gate
        self._length = self._crc = 0
        self._tokens = np.zeros((0, header.speech_levels + header.background_levels), np.int64)
        self._power = np.zeros((0, 2))

    def __enter__(self) -> "Writer":
        """Open a temporary file."""
        self._stack = ExitStack()
        self._file = self._stack.enter_context(open(self._stack.enter_context(atomic_write(self.path)), "wb"))
        self._file.write(bytes(HEADER_SIZE))
        return self

    def write(self, codes: Codes, speech_power: Tensor | None = None, background_power: Tensor | None = None) -> None:
        """Append a block of tokens of batch 1 and any number of frames.

        Args:
            codes: tokens; a stream without levels is absent from these frames.
            speech_power: [T] power of each frame of the speech, for the gate; None for infinite power.
            background_power: the same for the background.

        Raises:
            ValueError: if the codes do not match the header, follow a block that ended within a frame, or if a stream
                without levels shares a block of the file with tokens of that stream.
        """
        header, frames = self.header, codes.speech.shape[2]
        if self._length % header.hop:
            raise ValueError("Only the last block of a recording may end within a frame.")
        if len(codes.lengths) != 1 or frames != -(-int(codes.lengths[0]) // header.hop):
            raise ValueError("A block of codes must have one recording, and as many frames as its length needs.")
        columns, powers = [], []
        for name, tokens, power in (
            ("speech", codes.speech, speech_power),
            ("background", codes.background, background_power),
        ):
            levels = getattr(header, f"{name}_levels")
            if tokens.shape[1] not in (0, levels):
                raise ValueError(f"The codes have {tokens.shape[1]} {name} levels, the file has {levels}.")
            present = tokens.shape[1] > 0
            columns.append(tokens[0].T.cpu().numpy() if present else np.full((frames, levels), -1))
            if not present:
                powers.append(np.zeros(frames))
            else:
                powers.append(np.full(frames, np.inf) if power is None else power.cpu().numpy())
        self._length += int(codes.lengths[0])
        self._tokens = np.concatenate([self._tokens, np.concatenate(columns, axis=1)])
        self._power = np.concatenate([self._power, np.stack(powers, axis=1)])
        while len(self._tokens) >= header.block_frames:
            self._write_block(header.block_frames)

    def _write_block(self, frames: int) -> None:
        """Write the first buffered frames as one block."""
        tokens, powers = self._tokens[:frames], self._power[:frames].T
        present = powers.mean(axis=1) > 0 if self.gate is None else self.gate(*powers)
        self._tokens, self._power = self._tokens[frames:], self._power[frames:]
        streams = np.split(tokens, [self.header.speech_levels], axis=1)
        kept = np.concatenate([tokens[:, :0], *(part for part, there in zip(streams, present) if there)], axis=1)
        if (kept < 0).any():
            raise ValueError(f"A stream can only be absent from whole blocks of {self.header.block_frames} frames.")
        block = bytes([int(present[0]) + 2 * int(present[1])]) + pack_bits(kept, self.header.bits)
        self._crc = zlib.crc32(block, self._crc)
        self._file.write(block)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or delete the temporary file after an exception."""
        with self._stack:
            if error is not None:
                raise error
            self._finish()

    def _finish(self) -> None:
        if not self._length:
            raise ValueError(f"{self.path} was not written: there are no tokens.")
        if len(self._tokens):
            self._write_block(len(self._tokens))
        header = replace(self.header, length=self._length).pack()
        self._file.write(zlib.crc32(header, self._crc).to_bytes(4, "little"))
        self._file.seek(0)
        self._file.write(header)


def make_header(
    codec: DeCodec,
    speech_levels: int | None = None,
    background_levels: int | None = None,
    block_frames: int = 50,
) -> Header:
    """Return the header of files with tokens of `codec`; None for all levels."""
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
        ValueError: if they do not match a file of this codec.
    """
    with Writer(path, make_header(codec, codes.speech.shape[1], codes.background.shape[1])) as writer:
        writer.write(codes)


def load(path: str | Path, codec: DeCodec | None = None) -> Codes:
    """Read the tokens of a whole file; see `Reader` for the arguments and the errors.

    A single `Codes` cannot represent a stream that is absent from some blocks only: there the tokens of silence of the
    codec are inserted. `Reader` yields the blocks as they are.

    Raises:
        ValueError: also if there are such blocks, and no codec.
    """
    return concatenate(Reader(path, codec), codec)
