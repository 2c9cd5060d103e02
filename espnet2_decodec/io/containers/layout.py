"""Result of the inspection of the headers of an audio file."""

from dataclasses import dataclass
from typing import BinaryIO

MAX_TRAILING_BYTES = 2**16
"""Bytes after the samples, such as tags and padding, that are ignored."""
_SEARCHED_BYTES = 2**12
"""Bytes after the samples that are searched for another file: tags may stand between them."""


@dataclass
class Layout:
    """Recordings in a file.

    Attributes:
        parts: first byte and byte after the last of each of the recordings joined in the file.
        problem: what shows that the file is damaged or cut off, as a clause without full stop; empty if it is whole.
        needs_ffmpeg: whether libsndfile reads it wrong: MPEG audio, and VOC files with several blocks.
    """

    parts: list[tuple[int, int]]
    problem: str = ""
    needs_ffmpeg: bool = False


def missing_bytes(end: int, size: int) -> str:
    """Return the problem of a file of `size` bytes whose header gives it an end; empty if it has none."""
    return f"{end - size} bytes of the samples in its header are missing" if end > size else ""


def trailing_bytes(file: BinaryIO, end: int, size: int, magic_length: int = 4) -> str:
    """Return the problem of what follows the end of a recording: another one that no decoder reads, or much data.

    Args:
        file: any position.
        end: byte after the last one of the recording.
        size: of the file in bytes.
        magic_length: number of bytes at the start of the file by which another one is known.
    """
    file.seek(0)
    magic = file.read(magic_length)
    file.seek(end)
    offset = file.read(_SEARCHED_BYTES).find(magic)
    if offset >= 0:
        return f"another recording follows at byte {end + offset}, which has to be split off to be read"
    if size - end > max(MAX_TRAILING_BYTES, end // 100):
        return f"{size - end} bytes follow the samples that its header counts"
    return ""
