"""Containers of sound and pictures whose headers state sizes: ASF (WMA), Flash video, RealMedia, Flash, MPEG-PS."""

import struct
from collections.abc import Callable
from typing import BinaryIO

from espnet2_decodec.io.containers.layout import Layout, missing_bytes, trailing_bytes

_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_IS_BROADCAST, _ASF_DATA_HEADER, _ASF_END = 1, 50, 12
_REAL_MEDIA, _REAL_MEDIA_EXCESS = int.from_bytes(b".RMF", "big"), 16
_FLASH_UNKNOWN = 100 * 2**20
_PACK, _END, _FIRST_STREAM = 0xBA, 0xB9, 0xBB


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a file of one of these formats, None for others.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    head = file.read(16)
    for magic, find_end in _FORMATS.items():
        if head.startswith(magic):
            end = find_end(file, size)
            return Layout([(0, size)], missing_bytes(end, size) or trailing_bytes(file, end, size))
    return None


def _at(file: BinaryIO, position: int, count: int, order: str = "big") -> int:
    """Return the number at a position, 0 beyond the end."""
    file.seek(position)
    return int.from_bytes(file.read(count), order)  # type: ignore[arg-type]


def _asf(file: BinaryIO, size: int) -> int:
    """Return the size in the file properties, an object in the header; a broadcast has only that of packets."""
    start, position = _at(file, 16, 8, "little"), 30
    while position < min(start, size):
        file.seek(position)
        name = file.read(16)
        length = _at(file, position + 16, 8, "little")
        if name == _ASF_FILE:
            if not _at(file, position + 88, 4, "little") & _ASF_IS_BROADCAST:
                return _at(file, position + 40, 8, "little") or size
            packet = _at(file, position + 92, 4, "little")
            rest = (size - start - _ASF_DATA_HEADER) % packet if packet else 0
            return size + (packet - rest if rest > _ASF_END else 0)
        if length < 24:
            break
        position += length
    return size


def _flv(file: BinaryIO, size: int) -> int:
    """Return the end of the last tag: 11 bytes with the length of its data, the data, 4 bytes; or the size in them."""
    position, stated = _at(file, 5, 4) + 4, _flv_size(file)
    while position < size and _at(file, position, 1) & 31 in (8, 9, 18):
        position += 15 + _at(file, position + 1, 3)
    return max(position, stated) if stated <= size else stated


def _flv_size(file: BinaryIO) -> int:
    """Return the size of the file among its metadata, 0 if it is not there."""
    file.seek(0)
    _, name, value = file.read(4096).partition(b"filesize\0")
    return int(struct.unpack(">d", value[:8])[0]) if name and len(value) >= 8 else 0


def _real_media(file: BinaryIO, size: int) -> int:
    """Return the end of the last chunk; FFmpeg states ten bytes too many, and 0 where it is unknown."""
    position = 0
    while position < size:
        length = _at(file, position + 4, 4)
        if position and _at(file, position, 4) == _REAL_MEDIA:
            return position
        if length < 8:
            return size
        position += length
    return position if position > size + _REAL_MEDIA_EXCESS else size


def _flash(file: BinaryIO, size: int) -> int:
    """Return the stated size; FFmpeg states 100 MiB in a file without pictures."""
    stated = _at(file, 4, 4, "little")
    return size if stated == _FLASH_UNKNOWN else stated


def _mpeg_ps(file: BinaryIO, size: int) -> int:
    """Return the end of the last pack or packet of a program stream; `size` where other bytes are between them."""
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(14)
        if head[:3] != b"\0\0\1" or len(head) < 4 or _END < head[3] < _PACK:
            return size
        if head[3] == _PACK:
            is_second_version = len(head) == 14 and head[4] >> 6 == 1
            position += 14 + (head[13] & 7) if is_second_version else 12
        elif head[3] >= _FIRST_STREAM:
            position += 6 + int.from_bytes(head[4:6], "big")
        else:
            return size
    return position


_FORMATS: dict[bytes, Callable[[BinaryIO, int], int]] = {
    bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"): _asf,
    b"FLV\1": _flv,
    b".RMF": _real_media,
    b"FWS": _flash,
    b"\0\0\1\xba": _mpeg_ps,
}
