"""MPEG audio frames (ISO/IEC 11172-3): files one after another, lengths in Xing, Info and VBRI headers, lost bytes."""

from mmap import ACCESS_READ, mmap
from typing import BinaryIO, NamedTuple

import av

from espnet2_decodec.io.containers.layout import Layout

_KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates of MPEG version 1 or 2 and layer; layer 3 of version 2 has those of layer 2."""
_RATES = (44100, 48000, 32000)
_MAX_LEADING_BYTES = 2**16


class _Frame(NamedTuple):
    size: int
    side_bytes: int
    """Bytes between the header and a Xing header."""
    stream: tuple[int, int, int]
    """Version, layer and sample rate."""


def inspect(file: BinaryIO, size: int) -> Layout | None:
    """Return the layout of a stream of MPEG audio frames, None for other formats.

    Args:
        file: at its start.
        size: of the file in bytes.
    """
    try:
        with av.open(file, mode="r", metadata_errors="replace") as container:
            if container.format.name != "mp3":
                return None
    except (av.FFmpegError, OSError):
        return None
    with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        tags_end = _skip_tags(data, 0)
        start = _find_frames(data, tags_end, tags_end + _MAX_LEADING_BYTES)
        return None if start is None else _walk(data, start, size)


def _walk(data: mmap, position: int, size: int) -> Layout:
    """Follow the frames from the first one; a new recording starts with a Xing header, or after tags."""
    parts, start, problem = [], 0, ""
    frames = 0
    stated: int | None = None
    while position < size and not problem:
        frame = _frame(data, position)
        if frame is None:
            end = _skip_tags(data, position)
            following = _find_frames(data, end, end + 1)
            if following is None:
                if _find_frames(data, end, size) is not None or (end == position and not _is_zero(data, end)):
                    problem = f"the bytes from {position} on are not MPEG audio"
                break
            problem = _compare(frames, stated)
            parts.append((start, position))
            start = position = following
            frames, stated = 0, None
            continue
        count = _stated_frames(data, position, frame)
        if count is None:
            frames += 1
        else:
            problem = _compare(frames, stated)
            if frames:
                parts.append((start, position))
                start = position
            frames, stated = 0, count
        if position + frame.size > size and not problem:
            problem = f"{position + frame.size - size} bytes of its last frame are missing"
        position += frame.size
    parts.append((start, size if problem else min(position, size)))
    return Layout(parts, problem or _compare(frames, stated), needs_ffmpeg=True)


def _is_zero(data: mmap, position: int) -> bool:
    return not data[position : position + 2**16].strip(b"\0")


def _compare(frames: int, stated: int | None) -> str:
    return f"it has {frames} of the {stated} frames in its header" if stated and frames < stated else ""


def _frame(data: mmap, position: int) -> _Frame | None:
    """Return the frame whose header is at a position, None if there is none, or it is of free format."""
    head = data[position : position + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return None
    version_bits, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate_index, rate_bits = head[2] >> 4, head[2] >> 2 & 3
    if version_bits == 1 or layer == 4 or rate_index in (0, 15) or rate_bits == 3:
        return None
    version = 1 if version_bits == 3 else 2
    rate = _RATES[rate_bits] >> {3: 0, 2: 1, 0: 2}[version_bits]
    bits = 1000 * _KBITS[version, layer if version == 1 else min(layer, 2)][rate_index - 1]
    padding = head[2] >> 1 & 1
    if layer == 1:
        size = 4 * (12 * bits // rate + padding)
    else:
        size = (72 if layer == 3 and version == 2 else 144) * bits // rate + padding
    mono = head[3] >> 6 == 3
    side = (17 if mono else 32) if version == 1 else (9 if mono else 17)
    return _Frame(size, side, (version_bits, layer, rate))


def _find_frames(data: mmap, start: int, stop: int) -> int | None:
    """Return the first position in a range from which three frames follow, or fewer up to the end of the file."""
    position = start
    while (position := data.find(b"\xff", position, stop)) >= 0:
        at, frame, first = position, _frame(data, position), None
        for _ in range(3):
            if frame is None or (first and frame.stream != first.stream):
                break
            first = frame
            at += frame.size
            frame = _frame(data, at)
            if at >= len(data):
                return position
        else:
            return position
        position += 1
    return None


def _stated_frames(data: mmap, position: int, frame: _Frame) -> int | None:
    """Return the number of frames in a Xing, Info or VBRI header, 0 if it has none; None if it is not such a header."""
    xing = position + 4 + frame.side_bytes
    if data[xing : xing + 4] in (b"Xing", b"Info"):
        return int.from_bytes(data[xing + 8 : xing + 12], "big") if data[xing + 7] & 1 else 0
    if data[position + 36 : position + 40] == b"VBRI":
        return int.from_bytes(data[position + 50 : position + 54], "big")
    return None


def _skip_tags(data: mmap, position: int) -> int:
    """Return the position after the ID3, APE and Lyrics3 tags at a position."""
    while True:
        head = data[position : position + 32]
        if head[:3] == b"ID3" and len(head) >= 10:
            length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
            position += 10 + length + (10 if head[5] & 0x10 else 0)
        elif head[:3] == b"TAG":
            position += 128
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            footer = int.from_bytes(head[20:24], "little") >> 29 & 1
            position += 32 if footer == 0 else 32 + int.from_bytes(head[12:16], "little")
        elif head[:11] == b"LYRICSBEGIN":
            end = data.find(b"LYRICS200", position)
            position = len(data) if end < 0 else end + 9
        else:
            return position
