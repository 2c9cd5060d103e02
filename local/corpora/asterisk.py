"""Telephone prompts in five languages with transcripts (CC-BY-SA-3.0 and CC-BY-3.0)."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from local.corpora import audio_files
from local.recording import Recording

SPLITS = {"fr": "train", "en": "test", "es": "test", "it": "test", "ru": "test"}
PACKAGES = tuple(f"asterisk-core-sounds-{lang}{kind}" for lang in SPLITS for kind in ("", "-g722"))


def recordings(roots: dict[str, Path]) -> Iterator[Recording]:
    """Every prompt with speech; the English and the Spanish speaker are the same woman, both in test."""
    for language, split in SPLITS.items():
        texts = prompts(roots[f"asterisk-core-sounds-{language}"], language)
        for path, name in prompt_files(roots[f"asterisk-core-sounds-{language}-g722"], language):
            text = texts.get(name, "")
            if not text or is_spoken(text):
                yield Recording(path, "speech", split, f"asterisk_{language}", name, text=text)


def prompt_files(root: Path, language: str) -> Iterator[tuple[Path, str]]:
    """The prompts of one language, without silences and beeps."""
    (folder,) = (root / "usr/share/asterisk/sounds").glob(f"{language}_*")
    return audio_files(folder, skip=r"^silence/|^beep|tone|^confbridge-(join|leave)$")


def prompts(root: Path, language: str) -> dict[str, str]:
    """Prompt name -> transcript, from the lines ``name: text`` of the package without audio."""
    name = f"asterisk-core-sounds-{language}"
    with gzip.open(root / f"usr/share/doc/{name}/core-sounds-{language}.txt.gz", "rt", encoding="utf-8") as file:
        lines = (line.partition(":") for line in file if not line.startswith(";"))
        return {key.strip(): " ".join(text.split()) for key, colon, text in lines if colon}


def is_spoken(text: str) -> bool:
    """Whether ``text`` is a transcript; a text in brackets describes a sound."""
    return bool(text) and not text.startswith(("[", "(", "<"))
