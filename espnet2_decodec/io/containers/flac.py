"""FLAC files, one or several after another."""

import hashlib
from mmap import ACCESS_READ, mmap
from typing import BinaryIO

import numpy as np

from espnet2_decodec.io.containers.layout import Layout


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a FLAC file, None for other formats.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    if file.read(4) != b"fLaC":
        return None
    starts = [0]
    with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        position = 0
        while (position := data.find(b"fLaC", position + 4)) > 0:
            # A metadata block of type 0 (stream info), which is the first of each stream and has 34 bytes.
            if data[position + 4 : position + 8] in (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22"):
                starts.append(position)
    return Layout(list(zip(starts, [*starts[1:], size])))


class Checksum:
    """The MD5 sum of the samples of a stream, compared with that in its header.

    Args:
        header: the first 42 bytes of the stream. Without a sum in it, which is optional, nothing is compared.
    """

    def __init__(self, header: bytes):
        self._bits = 1 + (int.from_bytes(header[20:22], "big") >> 4 & 31)
        self._stated = header[26:42] if header[:4] == b"fLaC" and self._bits in (8, 16, 24) else b""
        self._sum = hashlib.md5(usedforsecurity=False)

    def update(self, samples: np.ndarray) -> None:
        """Add samples [l, C], float32 with full scale at 1."""
        if self._stated.strip(b"\0"):
            integers = (samples * 2.0 ** (self._bits - 1)).astype("<i4")
            self._sum.update(integers.view(np.uint8).reshape(-1, 4)[:, : self._bits // 8].tobytes())

    def is_wrong(self) -> bool:
        """Return whether the header has another sum."""
        return bool(self._stated.strip(b"\0")) and self._sum.digest() != self._stated
