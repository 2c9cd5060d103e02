"""Where the audio and images of a page are stored: in files beside it, or inside it as data URIs.

Audio is WAV: Chromium cannot seek in many of the FLAC files under 2 s that libsndfile writes.
"""

import base64
import re
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.io.audio import write

FOLDER = "audio"
MIME_TYPES = {".png": "image/png", ".svg": "image/svg+xml", ".wav": "audio/wav"}


class MediaFolder:
    """Files in the folder `audio` beside the page; identical content is written once.

    Args:
        folder: the page's folder.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.names: set[str] = set()
        self.paths: dict[tuple[str, bytes], str] = {}

    def add_audio(self, name: str, wav: np.ndarray, sample_rate: int) -> str:
        """Write samples [L] as 16-bit WAV; the path relative to the page."""
        path, is_new = self._path(name, ".wav", wav.tobytes())
        if is_new:
            write(self.folder / path, [wav], sample_rate)
        return path

    def add_image(self, name: str, image: bytes, suffix: str = ".png") -> str:
        """Write an image file; the path relative to the page."""
        path, is_new = self._path(name, suffix, image)
        if is_new:
            with atomic_write(self.folder / path) as temporary:
                temporary.write_bytes(image)
        return path

    def _path(self, name: str, suffix: str, content: bytes) -> tuple[str, bool]:
        """The relative path of this content, and whether it has yet to be written."""
        key = suffix, sha256(content).digest()
        if key in self.paths:
            return self.paths[key], False
        self.paths[key] = self._unused_path(name, suffix)
        return self.paths[key], True

    def _unused_path(self, name: str, suffix: str) -> str:
        """A new relative path that is valid in any file system and URL."""
        stem = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-.")[:100] or "recording"
        path, number = f"{FOLDER}/{stem}{suffix}", 1
        while path.lower() in self.names:
            number += 1
            path = f"{FOLDER}/{stem}-{number}{suffix}"
        self.names.add(path.lower())
        return path


class InlineMedia:
    """Data URIs inside the page."""

    def add_audio(self, name: str, wav: np.ndarray, sample_rate: int) -> str:
        """Samples [L] as a data URI with 16-bit WAV."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "audio.wav"
            write(path, [wav], sample_rate)
            return _data_uri(".wav", path.read_bytes())

    def add_image(self, name: str, image: bytes, suffix: str = ".png") -> str:
        """An image as a data URI."""
        return _data_uri(suffix, image)


Media = MediaFolder | InlineMedia


def _data_uri(suffix: str, data: bytes) -> str:
    """A base64 data URI."""
    return f"data:{MIME_TYPES[suffix]};base64,{base64.b64encode(data).decode()}"
