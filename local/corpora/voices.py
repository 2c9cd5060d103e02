"""Short words, letters and calls of many people, without text: KDE's games for children, Hedgewars, gcin."""

from collections.abc import Iterator
from pathlib import Path

import soundfile

from local.corpora import audio_files
from local.recording import Recording

PACKAGES = ("ktuberling-data", "klettres-data", "hedgewars-data", "gcin-voice")
MIN_RATE = 16000


def recordings(roots: dict[str, Path]) -> Iterator[Recording]:
    """Train only. A folder is a speaker; what was recorded below 16 kHz is left out."""
    for label, path, name, text in _files(roots):
        if soundfile.info(path).samplerate >= MIN_RATE:
            yield Recording(path, "speech", "train", label, name, text=text)


def _files(roots: dict[str, Path]) -> Iterator[tuple[str, Path, str, str]]:
    # The Russian voice of ktuberling is left out: she sounds like the Belarusian of tuxpaint, who is in dev.
    words = roots["ktuberling-data"] / "usr/share/ktuberling/sounds"
    for path, name in audio_files(words, skip="^ru/"):
        language = name.split("/")[0].split("@")[0]  # the four scripts of Serbian share their voice
        yield f"ktuberling_{language}", path, name, ""
    for path, name in audio_files(roots["klettres-data"] / "usr/share/klettres"):
        language, _, rest = name.partition("/")
        yield f"klettres_{language}", path, rest, ""
    for path, name in audio_files(roots["hedgewars-data"] / "usr/share/games/hedgewars/Data/Sounds/voices"):
        actor, _, rest = name.partition("/")
        yield f"hedgewars_{actor}", path, rest, ""
    for path, name in audio_files(roots["gcin-voice"] / "usr/share/gcin-voice/ogg"):
        syllable, _, voice = name.rpartition("/")  # the file is named after one of two voices
        yield f"gcin_{voice}", path, syllable, syllable
