"""tuxpaint-stamps-default: descriptions of pictures, one speaker per language, and sounds (GPL-2+)."""

import re
from collections.abc import Iterator
from pathlib import Path

from local.corpora import audio_files
from local.recording import Recording

PACKAGES = ("tuxpaint-stamps-default",)
STAMPS = "usr/share/tuxpaint/stamps"
SPLITS = {"fr": "train", "ro": "train", "ca": "train", "be": "dev", "da": "dev"}
NOISY = ("es", "ru", "el", "bg")
WITH_SPEECH = r"^(symbols|town/roadsigns|people|seasonal/hanukkah)/"


def recordings(roots: dict[str, Path]) -> Iterator[Recording]:
    """Descriptions in nine languages, four of them noisy, and sounds without the folders that contain speech."""
    stamps = roots["tuxpaint-stamps-default"] / STAMPS
    for path, name in audio_files(stamps):
        described = re.fullmatch(r"(.*)_desc(?:_(\w+))?", name)
        language = described[2] if described else None
        if described and (language in SPLITS or language in NOISY):
            text = description(stamps / f"{described[1]}.txt", language)
            split, noisy = SPLITS.get(language, "train"), language in NOISY
            yield Recording(path, "speech", split, f"tuxpaint_{language}", described[1], text=text, noisy=noisy)
        elif not described and "_desc" not in name and not re.search(WITH_SPEECH, name):
            music = name.startswith("hobbies/music/") or name.endswith("dreydl")
            yield Recording(
                path, "background", "train", "tuxpaint", name, background_class="music" if music else "environment"
            )


def description(path: Path, language: str) -> str:
    """The line ``<language>.utf8=`` of a stamp's text file, empty if there is none."""
    if not path.exists():
        return ""
    found = re.search(rf"^{language}\.utf8=(.*)$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return " ".join(found[1].split()) if found else ""
