"""Held-out English sentences with which synthesizers are compared: texts alone, and texts with their recordings.

- sentences: the sentences of test_sentences.txt that no setting was chosen by, for the voice of the package.
- readers: a sentence of each test speaker of speechocean762, whose first language is Chinese, adults and children.
- prompts: long English prompts of Asterisk, one native voice.

None of these voices is in the training data of the codec or of the voice model.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.io.audio import read
from espnet2_decodec.voice.default_voice import DEFAULT_VOICE
from local import audio, debian
from local.corpora import asterisk

SENTENCES = Path(__file__).with_name("test_sentences.txt")
TUNED_SENTENCES = 10
"""The first sentences, by which settings were chosen."""
PROMPT_SECONDS = 6.0
"""Recordings of a voice are concatenated to at least this duration."""
READER_WORDS = 7
"""Fewest words of a sentence of a reader."""
PROMPT_WORDS = 8, 20
"""Fewest and most words of a prompt of Asterisk."""
PROMPT_COUNT = 24


class Sentence(NamedTuple):
    """A text, a recording of it [L] or none, and another recording [L'] of a voice, all at 16 kHz."""

    text: str
    recording: Tensor | None
    voice: Tensor


class Recorded(NamedTuple):
    """A transcribed recording."""

    path: Path
    text: str


def sentences(limit: int | None) -> list[Sentence]:
    """The texts of the set `sentences`, with the voice of the package."""
    voice = read(DEFAULT_VOICE, SAMPLE_RATE)
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()[TUNED_SENTENCES:]
    return [Sentence(line, None, voice) for line in lines[:limit]]


def readers(recordings: Path, limit: int | None) -> list[Sentence]:
    """The first sentence of each speaker that is long enough.

    Args:
        recordings: folder with speechocean762 and manifest.tsv, see `research.tokens.prepare_data`.
        limit: number of speakers.
    """
    members: dict[str, list[Recorded]] = defaultdict(list)
    with (recordings / "manifest.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["source"] == "speechocean762" and row["split"] == "test":
                text = sentence_case(row["text"])
                members[row["speaker_or_class"]].append(Recorded(recordings / row["path"], text))
    found = []
    for _, own in sorted(members.items()):
        own = sorted(own)
        chosen = next((one for one in own if len(one.text.split()) >= READER_WORDS), None)
        if chosen is not None:
            found.append((chosen, own))
    return [_with_voice(chosen, own) for chosen, own in found[:limit]]


def prompts(downloads: Path, limit: int | None) -> list[Sentence]:
    """Long prompts without digits and signs, evenly drawn from all.

    Args:
        downloads: folder of the Debian packages, which are downloaded if they are missing.
        limit: number of prompts.
    """
    roots = debian.fetch(["asterisk-core-sounds-en", "asterisk-core-sounds-en-g722"], downloads)
    texts = asterisk.prompts(roots["asterisk-core-sounds-en"], "en")
    own = list(_long_prompts(roots["asterisk-core-sounds-en-g722"], texts))
    return [_with_voice(one, own) for one in own[:: len(own) // PROMPT_COUNT][:PROMPT_COUNT][:limit]]


def _long_prompts(root: Path, texts: dict[str, str]) -> Iterator[Recorded]:
    """Whole sentences of letters, each text once."""
    seen: set[str] = set()
    for path, name in asterisk.prompt_files(root, "en"):
        text = texts.get(name, "")
        if not PROMPT_WORDS[0] <= len(text.split()) <= PROMPT_WORDS[1] or text.lower() in seen:
            continue
        if all(c.isalpha() or c in " ,.?!';-" for c in text) and "..." not in text:
            seen.add(text.lower())
            yield Recorded(path, text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else "."))


def _with_voice(chosen: Recorded, own: list[Recorded]) -> Sentence:
    """The recording, and others of the same voice, the next in the list first."""
    place, parts, total = own.index(chosen), [], 0
    for other in (*own[place + 1 :], *own[:place]):
        parts.append(_load(other.path))
        total += len(parts[-1])
        if total >= PROMPT_SECONDS * SAMPLE_RATE:
            break
    return Sentence(chosen.text, _load(chosen.path), torch.cat(parts))


def _load(path: Path) -> Tensor:
    """A recording [L] at 16 kHz."""
    return torch.from_numpy(audio.load(path))


def sentence_case(text: str) -> str:
    """A transcript in capitals as a sentence, so that its words are not read as abbreviations."""
    sentence = re.sub(r"\bi\b", "I", " ".join(text.lower().split()))
    return sentence[:1].upper() + sentence[1:] + "."
