"""FLAC files, one or several after another."""

from mmap import ACCESS_READ, mmap
from typing import BinaryIO

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
