"""Structure of audio files: recordings joined in one file, and how much of what the headers state is there.

Decoders do not report these: libsndfile reads the first of several joined recordings, and most files that are cut off
as if they were whole.
"""

from pathlib import Path

from espnet2_decodec.io.containers import chunks, flac, frames, headers, marks, matroska, movies, mpeg, ogg
from espnet2_decodec.io.containers.layout import Layout

__all__ = ["Layout", "inspect"]


def inspect(path: str | Path) -> Layout:
    """Read the headers of a file; formats other than those of this package count as one complete recording."""
    path = Path(path)
    size = path.stat().st_size
    with open(path, "rb") as file:
        for module in (chunks, ogg, flac, matroska, movies, headers, marks, frames, mpeg):
            file.seek(0)
            layout = module.inspect(file, size)
            if layout:
                return layout
    return Layout([(0, size)])
