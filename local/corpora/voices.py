"""Words, letters and exclamations of many speakers, without transcripts: KDE's games for children, Hedgewars, gcin."""

from collections.abc import Iterator
from pathlib import Path

import soundfile

from local.corpora import audio_files
from local.recording import Recording

PACKAGES = ("ktuberling-data", "klettres-data", "hedgewars-data", "gcin-voice")
MIN_RATE = 16000


def recordings(roots: dict[str, Path]) -> Iterator[Recording]:
    """Training recordings of at least 16 kHz; each folder is a speaker."""
    for speaker, path, name, text in _files(roots):
        if soundfile.info(path).samplerate >= MIN_RATE:
            yield Recording(path, "speech", "train", speaker, name, text=text)


def _files(roots: dict[str, Path]) -> Iterator[tuple[str, Path, str, str]]:
    # The Russian speaker of ktuberling is skipped: she is similar to the Belarusian one of tuxpaint, who is in dev.
    words = roots["ktuberling-data"] / "usr/share/ktuberling/sounds"
    for path, name in audio_files(words, skip="^ru/"):
        language = name.split("/")[0].split("@")[0]  # the variants of Serbian have one speaker
        yield f"ktuberling_{language}", path, name, ""
    for path, name in audio_files(roots["klettres-data"] / "usr/share/klettres"):
        language, _, rest = name.partition("/")
        yield f"klettres_{language}", path, rest, ""
    for path, name in audio_files(roots["hedgewars-data"] / "usr/share/games/hedgewars/Data/Sounds/voices"):
        actor, _, rest = name.partition("/")
        yield f"hedgewars_{actor}", path, rest, ""
    for path, name in audio_files(roots["gcin-voice"] / "usr/share/gcin-voice/ogg"):
        syllable, _, voice = name.rpartition("/")  # the name of the file is one of two speakers
        yield f"gcin_{voice}", path, syllable, syllable
