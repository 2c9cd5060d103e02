"""Comments in the metadata of audio files."""

from pathlib import Path

import av
import soundfile

from espnet2_decodec.io.errors import AudioFormatError


def read_comment(path: str | Path) -> str:
    """The comment in the metadata of an audio file; empty if there is none.

    Raises:
        AudioFormatError: if the file is not audio in a known format.
        OSError: if it cannot be read.
    """
    with open(path, "rb") as file:
        try:
            with soundfile.SoundFile(file) as sound:
                return str(sound.comment)
        except soundfile.LibsndfileError:
            file.seek(0)
        try:
            with av.open(file) as container:
                return str(container.metadata.get("comment", ""))
        except av.FFmpegError:
            raise AudioFormatError(f"{path} is not audio in a known format.") from None
