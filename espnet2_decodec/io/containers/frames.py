"""Streams of frames without a container: AC-3 and E-AC-3 (ETSI TS 102 366), AAC in ADTS (ISO/IEC 14496-3)."""

from typing import BinaryIO

from espnet2_decodec.io.containers.layout import Layout

_AC3_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_HEADER_SIZE = 7


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a stream of frames, None for other formats.

    FFmpeg conceals that the last frame is incomplete.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    head = file.read(_HEADER_SIZE)
    measure = next((measure for measure in (_ac3_size, _adts_size) if measure(head)), None)
    if measure is None:
        return None
    position, count = 0, 0
    while position + _HEADER_SIZE <= size:
        file.seek(position)
        length = measure(file.read(_HEADER_SIZE))
        if not length:
            break
        position += length
        count += 1
    if count < 2 and position < size:
        return None
    missing = position - size
    return Layout([(0, size)], f"{missing} bytes of its last frame are missing" if missing > 0 else "")


def _ac3_size(head: bytes) -> int:
    """Return the bytes of the frame with this header, 0 if it is none."""
    if head[:2] != b"\x0b\x77" or len(head) < _HEADER_SIZE:
        return 0
    if head[5] >> 3 > 10:  # E-AC-3
        return 2 * (1 + ((head[2] & 7) << 8 | head[3]))
    rate, index = head[4] >> 6, head[4] & 63
    if rate == 3 or index >= 2 * len(_AC3_KBITS):
        return 0
    kbits = _AC3_KBITS[index // 2]
    return 2 * (2 * kbits, 320 * kbits // 147 + index % 2, 3 * kbits)[rate]


def _adts_size(head: bytes) -> int:
    """Return the bytes of the frame with this header, 0 if it is none."""
    if len(head) < _HEADER_SIZE or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= _HEADER_SIZE else 0
