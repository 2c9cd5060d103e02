"""Ogg pages (RFC 3533): checksums, sequence numbers, and first and last pages of each logical stream."""

import zlib
from typing import BinaryIO

from espnet2_decodec.io.containers.layout import Layout

_CONTINUED, _FIRST, _LAST = 1, 2, 4
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of an Ogg file, None for other formats. Chained streams are several recordings.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    if file.read(4) != b"OggS":
        return None
    starts, problem = [0], ""
    sequence: dict[int, int] = {}
    """Number of the last page of each stream of the present recording that has not ended."""
    only_first = True
    position = 0
    while position < size and not problem:
        file.seek(position)
        head = file.read(27)
        head += file.read(head[26]) if len(head) == 27 else b""
        if head[:4] != b"OggS"[: len(head)]:
            problem = "" if _is_padding(file, position) else f"there is no Ogg page at byte {position}"
            break
        body = sum(head[27:])
        page = head + file.read(body)
        if len(head) < 27 or len(page) < 27 + head[26] + body:
            problem = f"its last page ends after {len(page)} bytes"
            break
        flags, serial, number = head[5], int.from_bytes(head[14:18], "little"), int.from_bytes(head[18:22], "little")
        if _checksum(page) != int.from_bytes(head[22:26], "little"):
            problem = f"the checksum of the page at byte {position} is wrong"
        elif flags & _FIRST:
            if not only_first:
                problem = _unfinished(sequence)
                starts.append(position)
                sequence = {}
            only_first = True
        else:
            only_first = False
            if serial in sequence and number != sequence[serial] + 1:
                problem = f"pages before byte {position} are missing"
        sequence[serial] = number
        if flags & _LAST:
            del sequence[serial]
        position += len(page)
    return Layout(list(zip(starts, [*starts[1:], size])), problem or _unfinished(sequence))


def _unfinished(sequence: dict[int, int]) -> str:
    return "a stream has no page with the end-of-stream flag" if sequence else ""


def _is_padding(file: BinaryIO, position: int) -> bool:
    """Return whether only an ID3v1 tag or zeros follow."""
    file.seek(position)
    rest = file.read(2**16)
    return not rest.strip(b"\0") or (rest[:3] == b"TAG" and len(rest) == 128)


def _checksum(page: bytes) -> int:
    """Return the CRC-32 of Ogg, whose polynomial is that of zlib with the bits of each byte reversed."""
    page = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    return int(f"{zlib.crc32(page, 0xFFFFFFFF) ^ 0xFFFFFFFF:032b}"[::-1], 2)
