"""Where sounds and pictures of the page go: beside it, or into it.

Sounds are WAV files: Chromium cannot seek in many FLAC files of less than 2 s that libsndfile writes.
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


class Beside:
    """Files in the folder `audio` beside the page; the same content is written once.

    Args:
        folder: of the page.
    """

    def __init__(self, folder: Path):
        self.folder, self.names, self.places = folder, set(), {}

    def sound(self, name: str, wav: np.ndarray, sample_rate: int) -> str:
        """Write samples [L] as 16-bit WAV; what the page refers to them by."""
        place, new = self._place(name, ".wav", wav.tobytes())
        if new:
            write(self.folder / place, [wav], sample_rate)
        return place

    def picture(self, name: str, png: bytes) -> str:
        """Write a PNG; what the page refers to it by."""
        place, new = self._place(name, ".png", png)
        if new:
            with atomic_write(self.folder / place) as temporary:
                temporary.write_bytes(png)
        return place

    def _place(self, name: str, suffix: str, content: bytes) -> tuple[str, bool]:
        """Where this content is or shall be, and whether it must be written."""
        key = suffix, sha256(content).digest()
        if key in self.places:
            return self.places[key], False
        self.places[key] = self._free(name, suffix)
        return self.places[key], True

    def _free(self, name: str, suffix: str) -> str:
        """A path that is safe in any file system and any address, and not given before."""
        stem = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-.")[:100] or "recording"
        place, number = f"{FOLDER}/{stem}{suffix}", 1
        while place.lower() in self.names:
            number += 1
            place = f"{FOLDER}/{stem}-{number}{suffix}"
        self.names.add(place.lower())
        return place


class Within:
    """Everything in the page itself, as data URIs."""

    def sound(self, name: str, wav: np.ndarray, sample_rate: int) -> str:
        """Samples [L] as 16-bit WAV."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sound.wav"
            write(path, [wav], sample_rate)
            return _uri("audio/wav", path.read_bytes())

    def picture(self, name: str, png: bytes) -> str:
        """A PNG."""
        return _uri("image/png", png)


def _uri(kind: str, data: bytes) -> str:
    """A data URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
