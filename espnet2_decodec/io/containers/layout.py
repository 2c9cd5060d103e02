"""What is found in the headers of an audio file."""

from dataclasses import dataclass


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
