"""The first 32 bytes of a .dcd file. Needs neither torch nor a model.

    bytes  content (integers are little-endian and unsigned)
     0..3  the letters DCDC
     4     version of the format, 1
     5     bits per token
     6     levels of the speech stream, 0 if it was left out
     7     levels of the background stream, 0 if it was left out
     8..11 sample rate in Hz
    12..13 hop: samples per frame
    14..15 frames per block
    16..23 id of the codec that made the tokens
    24..31 length in samples

Blocks follow, see `dcd`.
"""

import struct
from dataclasses import dataclass

from espnet2_decodec.io.errors import NewerDcd, NotDcd, TruncatedFile

MAGIC, VERSION, SIZE = b"DCDC", 1, 32
_LAYOUT = struct.Struct("<4s4B I 2H 8s Q")


@dataclass(frozen=True)
class Header:
    """What a .dcd file says about itself.

    Attributes:
        bits: per token.
        speech_levels, background_levels: K of each stream.
        sample_rate: Hz.
        hop: samples per frame.
        block_frames: frames per block.
        codec_id: 8 bytes, see `identity.codec_id`.
        length: samples.
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
        """T."""
        return -(-self.length // self.hop)

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.length / self.sample_rate

    def pack(self) -> bytes:
        """The 32 bytes.

        Raises:
            ValueError: if a number is too large for its field.
        """
        try:
            return _LAYOUT.pack(
                MAGIC,
                VERSION,
                self.bits,
                self.speech_levels,
                self.background_levels,
                self.sample_rate,
                self.hop,
                self.block_frames,
                self.codec_id,
                self.length,
            )
        except struct.error as error:
            raise ValueError(f"This codec does not fit a .dcd file: {error}.") from None

    @classmethod
    def unpack(cls, data: bytes, name: str) -> "Header":
        """From the first 32 bytes of the file called `name`.

        Raises:
            NotDcd, NewerDcd, TruncatedFile: if they are not those of a file that can be read.
        """
        if data[:4] != MAGIC[: len(data)] or not data:
            raise NotDcd(f"{name} is not a .dcd file.")
        if len(data) > 4 and data[4] > VERSION:
            raise NewerDcd(f"{name} is of version {data[4]} of the format, newer than this program; update it.")
        if len(data) < SIZE:
            raise TruncatedFile(f"{name} is cut off within its header.")
        header = cls(*_LAYOUT.unpack(data)[2:])
        if not (1 <= header.bits <= 32 and header.sample_rate and header.hop and header.block_frames and header.length):
            raise NotDcd(f"{name} has a header that makes no sense.")
        return header
