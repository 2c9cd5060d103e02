"""The layout of bit-packed token files, .dcd. This module needs neither torch nor a model.

A file is a header of 32 bytes, blocks of tokens, and 4 bytes with the CRC32 of all blocks followed by the header.
Integers are little-endian and unsigned. The header:

    bytes   content
     0..3   the letters DCDC
     4      version of the format, 1
     5      bits per token
     6      levels of the speech stream, 0 if it was left out
     7      levels of the background stream, 0 if it was left out
     8..11  sample rate in Hz
    12..13  hop: samples per frame
    14..15  frames per block
    16..23  id of the codec that encoded the tokens, see `identity.codec_id`
    24..31  length in samples

A block has `block_frames` frames (50, one second, by default; the last block may have fewer):

  - one byte of flags: bit 0 = the speech stream is present, bit 1 = the background stream is present;
  - for every frame its speech tokens, level 1 first, if present, then its background tokens, if present, each in `bits`
    bits, highest bit first; the last byte is padded with zeros.

A stream that is absent from a block costs only its flag (0.008 kbit/s with blocks of one second).
"""

import struct
import zlib
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from espnet2_decodec.io.errors import (
    ChecksumError,
    DcdFormatError,
    DcdVersionError,
    TruncatedFileError,
)
from espnet2_decodec.io.pipes import SpooledInput

MAGIC, VERSION, HEADER_SIZE = b"DCDC", 1, 32
_LAYOUT = struct.Struct("<4s4B I 2H 8s Q")


@dataclass(frozen=True)
class Header:
    """The header of a .dcd file.

    Attributes:
        bits: per token.
        speech_levels: K of the speech stream.
        background_levels: K of the background stream.
        sample_rate: in Hz.
        hop: samples per frame.
        block_frames: frames per block.
        codec_id: 8 bytes, see `identity.codec_id`.
        length: in samples.
    """

    bits: int
    speech_levels: int
    background_levels: int
    sample_rate: int
    hop: int
    block_frames: int
    codec_id: bytes
    length: int = 0

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return -(-self.length // self.hop)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.length / self.sample_rate

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.frames // self.block_frames)

    def frames_in_block(self, index: int) -> int:
        """Return the number of frames of block `index`."""
        return min(self.block_frames, self.frames - index * self.block_frames)

    def levels_in_block(self, flags: int) -> tuple[int, int]:
        """Return the speech and background levels of a block with these flags."""
        return self.speech_levels * (flags & 1), self.background_levels * (flags >> 1 & 1)

    def bytes_in_block(self, index: int, flags: int) -> int:
        """Return the number of bytes of the tokens of block `index`."""
        return packed_size(self.frames_in_block(index) * sum(self.levels_in_block(flags)), self.bits)

    def pack(self) -> bytes:
        """Return the 32 bytes.

        Raises:
            ValueError: if a number is too large for its field.
        """
        try:
            return _LAYOUT.pack(MAGIC, VERSION, *astuple(self))
        except struct.error as error:
            raise ValueError(f"The tokens of this codec cannot be stored in a .dcd file: {error}.") from None

    @classmethod
    def unpack(cls, data: bytes, name: str) -> "Header":
        """Read the first 32 bytes of a file.

        Args:
            data: the bytes, fewer if the file is shorter.
            name: name of the file in error messages.

        Raises:
            DcdFormatError, DcdVersionError, TruncatedFileError: if this is no header that can be read.
        """
        if data[:4] != MAGIC[: len(data)] or not data:
            raise DcdFormatError(f"{name} is not a .dcd file.")
        if len(data) > 4 and data[4] > VERSION:
            raise DcdVersionError(f"{name} has version {data[4]} of the format; update espnet2_decodec to read it.")
        if len(data) < HEADER_SIZE:
            raise TruncatedFileError(f"{name} is cut off within its header.")
        header = cls(*_LAYOUT.unpack(data)[2:])
        if not (1 <= header.bits <= 32 and header.sample_rate and header.hop and header.block_frames and header.length):
            raise DcdFormatError(f"{name} is not a valid .dcd file: its header has impossible values.")
        return header


@dataclass(frozen=True)
class DcdInfo:
    """Header and statistics of a .dcd file.

    Attributes:
        header: the header.
        speech: for each block, whether the speech stream is present.
        background: the same for the background stream.
        size: bytes of the file.
    """

    header: Header
    speech: list[bool]
    background: list[bool]
    size: int

    def kbps(self) -> float:
        """Return the bit rate of the whole file in kbit/s."""
        return self.size * 8 / self.header.seconds / 1000

    def stream_kbps(self, stream: str) -> float:
        """Return the bit rate of the tokens of one stream (`speech` or `background`) in kbit/s."""
        header, present = self.header, getattr(self, stream)
        levels = getattr(header, f"{stream}_levels")
        frames = sum(header.frames_in_block(i) for i, there in enumerate(present) if there)
        return frames * levels * header.bits / header.seconds / 1000


def read_info(path: str | Path | SpooledInput) -> DcdInfo:
    """Check a whole file or pipe, reading one block at a time, and return its statistics.

    Raises:
        MissingFileError, DcdFormatError, DcdVersionError, TruncatedFileError, ChecksumError: one for each cause.
    """
    source = path if isinstance(path, SpooledInput) else SpooledInput(path)
    name, size, flags, crc = source.name, source.path.stat().st_size, [], 0
    with open(source.path, "rb") as file:
        head = file.read(HEADER_SIZE)
        header = Header.unpack(head, name)
        for index in range(header.blocks):
            flag = file.read(1)
            count = header.bytes_in_block(index, flag[0]) if flag else 0
            if not flag or count > size - file.tell():
                seconds = index * header.block_frames * header.hop / header.sample_rate
                raise TruncatedFileError(f"{name} is cut off at about {seconds:.0f} s of {header.seconds:.0f} s.")
            tokens = file.read(count)
            crc = zlib.crc32(flag + tokens, crc)
            flags.append(flag[0])
        checksum, surplus = file.read(4), file.read(1)
    if len(checksum) < 4:
        raise TruncatedFileError(f"{name} is cut off within its last bytes.")
    if surplus or int.from_bytes(checksum, "little") != zlib.crc32(head, crc):
        raise ChecksumError(f"{name} is damaged: its checksum does not match its content.")
    return DcdInfo(header, [bool(f & 1) for f in flags], [bool(f & 2) for f in flags], size)


def pack_bits(tokens: np.ndarray, bits: int) -> bytes:
    """Pack tokens of any shape, in C order, with `bits` bits each; the last byte is padded with zeros.

    Raises:
        ValueError: if a token is outside 0..2**bits - 1.
    """
    flat = np.asarray(tokens, dtype=np.int64).reshape(-1, 1)
    if flat.size and not 0 <= flat.min() <= flat.max() < 1 << bits:
        raise ValueError(f"A token is outside 0..{(1 << bits) - 1}, the range of {bits} bits.")
    return np.packbits(((flat >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)).tobytes()


def unpack_bits(data: bytes, count: int, bits: int) -> np.ndarray:
    """Invert `pack_bits`: return the first `count` tokens, [count] int64."""
    ones = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits).reshape(count, bits)
    return ones.astype(np.int64) @ (1 << np.arange(bits - 1, -1, -1))


def packed_size(count: int, bits: int) -> int:
    """Return the number of bytes that `pack_bits` needs for `count` tokens."""
    return -(-count * bits // 8)
