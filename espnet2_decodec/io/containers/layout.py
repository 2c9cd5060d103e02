"""What is found in the headers of an audio file."""

from dataclasses import dataclass


@dataclass
class Layout:
    """Recordings in a file.

    Attributes:
        parts: first byte and byte after the last of each of the recordings joined in the file.
        problem: what shows that the file is damaged or cut off, as a clause without full stop; empty if it is whole.
        is_mpeg: whether it is a stream of MPEG audio frames (MP3, MP2).
    """

    parts: list[tuple[int, int]]
    problem: str = ""
    is_mpeg: bool = False
