"""Formats whose headers state numbers of samples: ADX, AVR, DSF, HTK, MPC2K, MAT5, SDS, SoX, TTA, VOC, WVE, XI."""

from array import array
from collections.abc import Callable
from typing import BinaryIO, Literal

from espnet2_decodec.io.containers.layout import Layout, missing_bytes, trailing_bytes

_HEADER_SIZE = 400
_MATRIX = 14
_PROBED = 2048
"""Bytes by which FFmpeg determines a format, at least."""
_VOC = b"Creative Voice File\x1a"
_SDS_HEADER, _SDS_PACKET, _SDS_DATA = 21, 127, 120


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a file of one of these formats, None for others.

    Bytes behind the samples are left out, as libsndfile takes them for samples.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    head = file.read(_HEADER_SIZE)
    for magic, find_end in _FORMATS.items():
        if head.startswith(magic):
            end = find_end(head, file, size) if len(head) > 48 else size
            break
    else:
        if head[8:12] != b"\0\2\0\0" or len(head) < 12:
            return None
        end = 12 + 2 * int.from_bytes(head[:4], "big")  # HTK waveforms of 16 bits; they have no magic number
        if end > 2 * size:
            return None
    problem = missing_bytes(end, size) or trailing_bytes(file, end, size)
    has_blocks = head.startswith(_VOC) and _voc_blocks(file, size)[1] > 1
    return Layout([(0, min(end, size))], problem, needs_ffmpeg=has_blocks)


def _adx(head: bytes, file: BinaryIO, size: int) -> int:
    """ADPCM of CRI: blocks of 18 bytes with 32 samples of each channel."""
    start, block = 4 + int.from_bytes(head[2:4], "big"), head[5]
    samples = int.from_bytes(head[12:16], "big")
    if head[start - 6 : start] != b"(c)CRI" or head[6] != 4 or block <= 2 or not samples:
        return size
    return start + -(-samples // (2 * (block - 2))) * block * head[7]


def is_damaged_adx(head: bytes, suffix: str) -> bool:
    """Whether FFmpeg would take a file for ADX whose header is damaged, for which it divides by zero.

    Args:
        head: first bytes of the file; the header of an ADX file has up to 64 KiB.
        suffix: of its name.
    """
    start, has_magic = 4 + int.from_bytes(head[2:4], "big"), head.startswith(b"\x80\0")
    is_signed = head[max(start - 6, 0) : start] == b"(c)CRI"
    if suffix.lower() != ".adx" and not (has_magic and (is_signed or start > _PROBED)):
        return False
    return not (has_magic and is_signed and head[5:7] == b"\x12\4" and head[7] and any(head[8:12]))


def _dsf(head: bytes, file: BinaryIO, size: int) -> int:
    return int.from_bytes(head[12:20], "little") or size


def _tta(head: bytes, file: BinaryIO, size: int) -> int:
    """Return the end of the last frame according to the table of their lengths, each with the samples of 256/245 s."""
    rate, samples = int.from_bytes(head[10:14], "little"), int.from_bytes(head[14:18], "little")
    frames = -(-samples // (256 * rate // 245)) if rate else 0
    if 4 * frames > size:
        return 22 + 4 * frames
    file.seek(22)
    return 26 + 4 * frames + sum(array("I", file.read(4 * frames)))


def _avr(head: bytes, file: BinaryIO, size: int) -> int:
    samples = int.from_bytes(head[26:30], "big") * (2 if head[12:14] != b"\0\0" else 1)
    return 128 + samples * (int.from_bytes(head[14:16], "big") // 8) if samples else size


def _mpc2k(head: bytes, file: BinaryIO, size: int) -> int:
    samples = int.from_bytes(head[30:34], "little") * (2 if head[21] else 1)
    return 42 + 2 * samples if samples else size


def _wve(head: bytes, file: BinaryIO, size: int) -> int:
    length = int.from_bytes(head[18:22], "big")
    return 32 + length if length else size


def _xi(head: bytes, file: BinaryIO, size: int) -> int:
    length = int.from_bytes(head[298:302], "little")
    return 338 + length if length and head[296:298] == b"\1\0" else size  # libsndfile writes 0


def _sox(head: bytes, file: BinaryIO, size: int) -> int:
    order: Literal["little", "big"] = "little" if head[:1] == b"." else "big"
    samples = int.from_bytes(head[8:16], order)
    return 4 + int.from_bytes(head[4:8], order) + 4 * samples if samples else size


def _sds(head: bytes, file: BinaryIO, size: int) -> int:
    """MIDI sample dump: numbers of seven bits a byte, packets of 127 bytes."""
    bytes_a_sample = -(-head[6] // 7)
    samples = head[10] | head[11] << 7 | head[12] << 14
    per_packet = _SDS_DATA // bytes_a_sample if bytes_a_sample else 0
    return _SDS_HEADER + _SDS_PACKET * -(-samples // per_packet) if per_packet and samples else size


def _voc(head: bytes, file: BinaryIO, size: int) -> int:
    return _voc_blocks(file, size)[0]


def _voc_blocks(file: BinaryIO, size: int) -> tuple[int, int]:
    """Return the end and the number of blocks of sound: each has one byte of type and three of length, 0 is the end.

    SoX states eight bytes too few for its only block, so that a few bytes that follow are no block.
    """
    file.seek(20)
    position, sounds = int.from_bytes(file.read(2), "little"), 0
    while position < size - (16 if sounds else 0):
        file.seek(position)
        block = file.read(4)
        if block[0] == 0:
            return position + 1, sounds
        if block[0] > 9:
            return size, sounds
        sounds += block[0] in (1, 2, 9)
        position += 4 + int.from_bytes(block[1:], "little")
    return max(position, size), sounds


def _mat5(head: bytes, file: BinaryIO, size: int) -> int:
    """Return the end of the data of the last matrix; libsndfile states too much for the matrix around them."""
    order: Literal["little", "big"] = "little" if head[126:128] == b"IM" else "big"
    end = position = 128
    while (tag := _mat5_tag(file, position, order))[0] == _MATRIX:
        inner, position = position + 8, position + 8 + tag[1]
        while inner < position and (part := _mat5_tag(file, inner, order))[0]:
            end = inner + 8 + part[1]
            inner = end + -end % 8
    return end if end > 128 else size


def _mat5_tag(file: BinaryIO, position: int, order: Literal["little", "big"]) -> tuple[int, int]:
    """Return type and length of an element, the type 0 if there is none; one within its tag has the length 0."""
    file.seek(position)
    tag = file.read(8)
    kind, length = int.from_bytes(tag[:4], order), int.from_bytes(tag[4:], order)
    is_known = len(tag) == 8 and 1 <= kind & 0xFFFF <= 18
    return (kind & 0xFFFF if is_known else 0), (0 if kind >> 16 else length)


_FORMATS: dict[bytes, Callable[[bytes, BinaryIO, int], int]] = {
    b"\x80\0": _adx,
    b"2BIT": _avr,
    b"DSD ": _dsf,
    b"TTA1": _tta,
    b"\1\4": _mpc2k,
    b"ALawSoundFile**": _wve,
    b"Extended Instrument: ": _xi,
    b".SoX": _sox,
    b"XoS.": _sox,
    b"\xf0\x7e": _sds,
    _VOC: _voc,
    b"MATLAB 5.0 MAT-file": _mat5,
}
