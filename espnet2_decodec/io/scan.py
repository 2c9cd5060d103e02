"""Checking a .dcd file from end to end, and what it holds. Needs neither torch nor a model."""

import zlib
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.io import bits
from espnet2_decodec.io.errors import DamagedDcd, MissingFile, TruncatedFile
from espnet2_decodec.io.header import SIZE, Header


@dataclass(frozen=True)
class Scan:
    """What a sound .dcd file holds.

    Attributes:
        header: its first 32 bytes.
        speech, background: for each block, whether the stream is present.
        size: bytes of the file.
    """

    header: Header
    speech: list[bool]
    background: list[bool]
    size: int

    def kbps(self) -> float:
        """Bits of the whole file per second of audio, in kbit/s."""
        return self.size * 8 / self.header.seconds / 1000

    def stream_kbps(self, name: str) -> float:
        """Bits of the tokens of one stream (`speech` or `background`) per second of audio, in kbit/s."""
        header, present = self.header, getattr(self, name)
        levels = getattr(header, f"{name}_levels")
        frames = sum(block_frames(header, i) for i, there in enumerate(present) if there)
        return frames * levels * header.bits / header.seconds / 1000


def block_frames(header: Header, index: int) -> int:
    """Frames of block `index`."""
    return min(header.block_frames, header.frames - index * header.block_frames)


def block_bytes(header: Header, index: int, flags: int) -> int:
    """Bytes of the tokens of block `index`."""
    levels = header.speech_levels * (flags & 1) + header.background_levels * (flags >> 1 & 1)
    return bits.size(block_frames(header, index) * levels, header.bits)


def scan(path: str | Path) -> Scan:
    """Read a whole file, one block at a time.

    Raises:
        MissingFile, NotDcd, NewerDcd, TruncatedFile, DamagedDcd: one for each thing that can be wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFile(f"{path} {'is a folder, not a file' if path.is_dir() else 'does not exist'}.")
    present, crc = [], 0
    with open(path, "rb") as file:
        head = file.read(SIZE)
        header = Header.unpack(head, str(path))
        for index in range(-(-header.frames // header.block_frames)):
            flag = file.read(1)
            body = file.read(block_bytes(header, index, flag[0])) if flag else b""
            if not flag or len(body) < block_bytes(header, index, flag[0]):
                at = index * header.block_frames * header.hop / header.sample_rate
                raise TruncatedFile(f"{path} is cut off at about {at:.0f} s of {header.seconds:.0f} s.")
            crc = zlib.crc32(flag + body, crc)
            present.append(flag[0])
        checksum, more = file.read(4), file.read(1)
    if len(checksum) < 4:
        raise TruncatedFile(f"{path} is cut off within its last bytes.")
    if more or int.from_bytes(checksum, "little") != zlib.crc32(head, crc):
        raise DamagedDcd(f"{path} is damaged: its checksum does not match its content.")
    flags = [bool(f & 1) for f in present], [bool(f & 2) for f in present]
    return Scan(header, *flags, path.stat().st_size)
