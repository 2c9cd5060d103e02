"""festvox-ru: a man reading Russian literature, 100 minutes with transcripts (BSD-like)."""

import re
from collections.abc import Iterator
from pathlib import Path

from local.corpora import audio_files
from local.recording import Recording

PACKAGES = ("festvox-ru",)
VOICE = "usr/share/festival/voices/russian/msu_ru_nsh_clunits"


def recordings(roots: dict[str, Path]) -> Iterator[Recording]:
    """All sentences; the ``+`` that marks stress is removed from the transcript."""
    voice = roots["festvox-ru"] / VOICE
    found = re.findall(r'\( *(\S+) +"(.*)" *\)', (voice / "etc/txt.done.data").read_text(encoding="utf-8"))
    texts = {name: " ".join(text.replace("+", "").split()) for name, text in found}
    for path, name in audio_files(voice / "wav"):
        yield Recording(path, "speech", "train", "festvox_ru", name, text=texts.get(name, ""))
