"""Formats that state their size or have a mark at their ends: APM, Argo ASF, AST, GXF, KVAG, MAT4, NUT, SMJPEG, WTV.

FFmpeg and libsndfile read those that are cut off as if they were whole, and the first of several joined ones.
"""

import mmap
from collections.abc import Callable
from typing import BinaryIO, Literal

from espnet2_decodec.io.containers.layout import Layout, missing_bytes, trailing_bytes

_WTV_HEAD, _ARGO_HEAD = bytes.fromhex("b7d800203749da11a64e0007e95ead8d"), b"ASF\0\2\0\1\0"
_NUT_HEAD = b"nut/multimedia container\0"
_NUT_INDEX = bytes.fromhex("4e58dd672f23e64e")
_GXF_HEAD, _GXF_END = bytes.fromhex("0000000001bc"), bytes.fromhex("0000000001fb0000001000000000e1e2")
_MAT4_NAME, _MAT4_BYTES = b"samplerate\0", (8, 4, 4, 2, 2, 1)
"""Name of the first matrix that libsndfile writes, and bytes of a number of each precision."""


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a file of one of these formats, None for others.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    head = file.read(64)
    if head[20:31] == _MAT4_NAME:
        return _mat4(file, size)
    for position, magic, find_problem in _FORMATS:
        if head[position : position + len(magic)] == magic:
            return Layout([(0, size)], find_problem(head, file, size))
    return None


def _second(head: bytes, file: BinaryIO, length: int) -> str:
    """Return the problem of another recording that follows, which begins with the same `length` bytes."""
    magic = head[:length]
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position = content.find(magic, len(magic))
    return f"another recording follows at byte {position}, which has to be split off to be read" if position > 0 else ""


def _stated(start: int, begin: int, order: Literal["little", "big"]) -> Callable[[bytes, BinaryIO, int], str]:
    """Return a function for a format whose header has 4 bytes at `begin` with the length of what follows `start`."""

    def find_problem(head: bytes, file: BinaryIO, size: int) -> str:
        length = int.from_bytes(head[begin : begin + 4], order)
        return missing_bytes(start + length, size) or trailing_bytes(file, start + length if length else size, size)

    return find_problem


def _ends_with(end: bytes) -> Callable[[bytes, BinaryIO, int], str]:
    """Return a function for a format that ends with certain bytes."""

    def find_problem(head: bytes, file: BinaryIO, size: int) -> str:
        file.seek(max(0, size - len(end)))
        return _second(head, file, 8) if file.read() == end else "the mark at its end is missing"

    return find_problem


def _nut(head: bytes, file: BinaryIO, size: int) -> str:
    """An index stands at the end, which ends with its length in 8 bytes and a checksum of 4."""
    file.seek(max(0, size - 12))
    start = size - int.from_bytes(file.read(8), "big")
    file.seek(max(0, start))
    has_index = start > 0 and file.read(8) == _NUT_INDEX
    return _second(head, file, len(_NUT_HEAD)) if has_index else "the index at its end is missing"


def _mat4(file: BinaryIO, size: int) -> Layout:
    """Matrices with names: the sample rate, then the samples; libsndfile reads the first recording only."""
    starts, position, head = [0], 0, b""
    while position < size:
        file.seek(position)
        head = file.read(31)
        order: Literal["little", "big"] = "little" if int.from_bytes(head[:4], "little") < 60 else "big"
        kind, rows, columns, imaginary, name = (int.from_bytes(head[i : i + 4], order) for i in range(0, 20, 4))
        precision = kind % 100 // 10
        if len(head) < 31 or precision >= len(_MAT4_BYTES) or kind not in (10 * precision, 1000 + 10 * precision):
            break
        if position and head[20:] == _MAT4_NAME:
            starts.append(position)
        position += 20 + name + rows * columns * _MAT4_BYTES[precision] * (1 + (imaginary == 1))
    file.seek(0)
    problem = missing_bytes(position, size) or trailing_bytes(file, position, size, magic_length=31)
    return Layout(list(zip(starts, [*starts[1:], min(position, size)])), problem)


_FORMATS: list[tuple[int, bytes, Callable[[bytes, BinaryIO, int], str]]] = [
    (20, b"vs12", _stated(80, 28, "little")),
    (0, b"STRM", _stated(64, 4, "big")),
    (0, b"KVAG", _stated(14, 4, "little")),
    (0, b"\0\nSMJPEG", _ends_with(b"DONE")),
    (0, _GXF_HEAD, _ends_with(_GXF_END)),
    (0, _NUT_HEAD, _nut),
    (0, _WTV_HEAD, lambda head, file, _: _second(head, file, len(_WTV_HEAD))),
    (0, _ARGO_HEAD, lambda head, file, _: _second(head, file, len(_ARGO_HEAD))),
]
"""Position and bytes by which a format is known, and a function that returns the problem of a file."""
