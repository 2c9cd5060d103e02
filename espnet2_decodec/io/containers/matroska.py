"""Matroska and WebM: lengths of the segment and of its clusters."""

from typing import BinaryIO

from espnet2_decodec.io.containers.layout import Layout

_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a Matroska file, None for other formats.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    if file.read(4) != b"\x1a\x45\xdf\xa3":
        return None
    problem, position = "", 0
    while position < size:
        file.seek(position)
        head = file.read(12)
        id_bytes = _length(head[:1])
        length_bytes = _length(head[id_bytes : id_bytes + 1])
        if not id_bytes or not length_bytes or len(head) < id_bytes + length_bytes:
            break
        name = head[:id_bytes]
        length = int.from_bytes(head[id_bytes : id_bytes + length_bytes], "big") - (1 << 7 * length_bytes)
        position += id_bytes + length_bytes
        unknown = length == (1 << 7 * length_bytes) - 1
        missing = position + length - size
        if not unknown and missing > 0:
            problem = f"{missing} bytes of the lengths in its headers are missing"
            break
        position += 0 if unknown and name in (_SEGMENT, _CLUSTER) else length
    return Layout([(0, size)], problem)


def _length(byte: bytes) -> int:
    """Return the number of bytes of an EBML number with this first byte, 0 if there is none."""
    return 9 - byte[0].bit_length() if byte and byte[0] else 0
