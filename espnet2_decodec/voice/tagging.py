"""The comment in the metadata of audio files that marks synthetic speech."""

from pathlib import Path

from espnet2_decodec.io.comments import read_comment

COMMENT = "Synthetic speech, made with espnet2_decodec"
"""Comment of every file with speech of the voice model: of WAV (LIST INFO), FLAC, Ogg Vorbis, Opus and M4A."""


def is_synthetic(path: str | Path) -> bool:
    """Whether an audio file has the comment of synthetic speech.

    The comment is lost when another program writes the file again without its metadata.

    Raises:
        AudioFormatError: if the file is not audio in a known format.
        OSError: if it cannot be read.
    """
    return read_comment(path).startswith(COMMENT)
