"""Streams of frames without a container.

AC-3 and E-AC-3 (ETSI TS 102 366), AAC in ADTS (ISO/IEC 14496-3), DTS (ETSI TS 102 114), MLP and TrueHD, SBC (A2DP).
"""

from typing import BinaryIO

from espnet2_decodec.io.containers.layout import Layout

_AC3_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_HEADER_SIZE = 8
_SBC_MONO, _SBC_DUAL, _SBC_JOINT = 0, 1, 3
_MLP_SYNC = b"\xf8\x72\x6f"


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a stream of frames, None for other formats.

    FFmpeg conceals that the last frame is incomplete.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    head = file.read(_HEADER_SIZE)
    sizes = (_ac3_size, _adts_size, _dts_size, _sbc_size)
    measure = _mlp_size if head[4:7] == _MLP_SYNC else next((measure for measure in sizes if measure(head)), None)
    if measure is None:
        return None
    position, count = 0, 0
    while position + 4 <= size:
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
    if head[:2] != b"\x0b\x77" or len(head) < 7:
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
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= 7 else 0


def _dts_size(head: bytes) -> int:
    """Return the bytes of the core frame with this header, 0 if it is none."""
    if head[:4] != b"\x7f\xfe\x80\x01" or len(head) < _HEADER_SIZE:
        return 0
    return 1 + ((head[5] & 3) << 12 | head[6] << 4 | head[7] >> 4)


def _mlp_size(head: bytes) -> int:
    """Return the bytes of an access unit, which has a length of 12 bits in words, and no magic number."""
    return 2 * ((head[0] & 15) << 8 | head[1])


def _sbc_size(head: bytes) -> int:
    """Return the bytes of the frame with this header, 0 if it is none."""
    if head[:1] != b"\x9c":
        return 0
    blocks, mode, subbands, bitpool = 4 + 4 * (head[1] >> 4 & 3), head[1] >> 2 & 3, 4 + 4 * (head[1] & 1), head[2]
    channels = 1 if mode == _SBC_MONO else 2
    bits = blocks * bitpool * (2 if mode == _SBC_DUAL else 1) + (subbands if mode == _SBC_JOINT else 0)
    return 4 + subbands * channels // 2 + -(-bits // 8)
