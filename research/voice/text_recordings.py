"""Transcribed recordings as tokens with aligned phones: `python -m research.voice.text_recordings --out OUT`.

The English prompts of Asterisk (one native voice) and, with `--recordings`, speechocean762 (accented readers, the
training speakers of the manifest there), from a bank of `research.tokens.prepare_data`. Some speakers and prompts
become bank `dev`, the others `train`.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from espnet2_decodec.voice.text_lexicon import Pronouncer
from espnet2_decodec.voice.text_phones import PHONE_IDS
from espnet2_decodec.voice.text_to_semantic import utterances
from local import debian
from local.corpora import asterisk
from research.tokens.audio_bank import AudioBank
from research.voice.text_align import align, emission_table, mark_pauses
from research.voice.text_bank import DURATION_UNITS, SemanticTokenizer, Utterance, read_bank, write_bank
from research.voice.text_cmudict import lexicon

DEV_SPEAKERS = 8
"""Number of readers of the dev set."""
DEV_PROMPTS = 12
"""Of the prompts of Asterisk, every one with this number is in the dev set."""
KEPT = 0.85
"""Share of the recordings with the best alignments that are kept."""


def transcripts(recordings: Path | None, downloads: Path) -> Iterator[tuple[str, str, str, str]]:
    """File name, text, style and speaker of every transcribed recording."""
    if recordings is not None:
        with (recordings / "manifest.tsv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["source"] == "speechocean762" and row["split"] == "train":
                    yield Path(row["path"]).name, row["text"].lower(), "accented", row["speaker_or_class"]
    roots = debian.fetch(["asterisk-core-sounds-en", "asterisk-core-sounds-en-g722"], downloads)
    texts = asterisk.prompts(roots["asterisk-core-sounds-en"], "en")
    for path, name in asterisk.prompt_files(roots["asterisk-core-sounds-en-g722"], "en"):
        if asterisk.is_spoken(texts.get(name, "")):
            yield path.name, texts[name], "native", f"asterisk_en {name}"


class Reading(NamedTuple):
    """A transcribed recording.

    Attributes:
        samples: [L] float32 at 16 kHz.
        phones: [M] uint8, indices of `text_phones.PHONES`.
        style: name of the style of speaking.
        speaker: label.
        text: normalized.
    """

    samples: np.ndarray
    phones: np.ndarray
    style: str
    speaker: str
    text: str


def readings(bank: Path, recordings: Path | None, downloads: Path) -> Iterator[Reading]:
    """The transcribed recordings of a bank all of whose words are in the lexicon."""
    known, pronouncer = lexicon(), Pronouncer(lexicon(), lambda word: [])
    banks = [AudioBank(bank, name) for name in ("speech_train", "speech_dev")]
    places = {(row[3], row[5]): (found, i) for found in banks for i, row in enumerate(found.rows)}
    for file, text, style, speaker in transcripts(recordings, downloads):
        place = places.get(("speechocean762" if style == "accented" else "asterisk", file))
        normalized = " ".join(utterances(text)) if any(c.isalpha() for c in text) else ""
        words = normalized.lower().translate(str.maketrans("", "", ",.?!")).split()
        if place is None or not words or any(word.strip("'") not in known for word in words):
            continue
        phones = np.array([PHONE_IDS[phone] for phone in pronouncer(normalized)], np.uint8)
        yield Reading(place[0].recording(place[1]).numpy(), phones, style, speaker, normalized)


def aligned(rows: list[Utterance], table: np.ndarray) -> list[tuple[float, Utterance]]:
    """Score and utterance with durations, of all that can be aligned; see `text_align.align`."""
    found = []
    for row in rows:
        try:
            durations, score = align(row.phones, row.tokens, table)
        except ValueError:
            continue
        phones, durations = mark_pauses(row.phones, durations)
        found.append((score, row._replace(phones=phones, durations=(DURATION_UNITS * durations).astype(np.uint16))))
    return found


def best(found: list[tuple[float, Utterance]]) -> list[Utterance]:
    """The utterances of each style whose alignments have the highest scores: the share `KEPT` of them."""
    rows = []
    for style in sorted({row.style for _, row in found}):
        scores = [score for score, row in found if row.style == style]
        print(f"{style}: {len(scores)} recordings, mean log probability of a frame {np.mean(scores):.2f}")
        limit = np.quantile(scores, 1 - KEPT)
        rows += [row for score, row in found if row.style == style and score >= limit]
    return rows


def held_out(rows: list[Utterance]) -> set[str]:
    """The speakers of the dev set: `DEV_SPEAKERS` readers, at most half of them, and every `DEV_PROMPTS`-th prompt."""
    readers, prompts = (sorted({row.speaker for row in rows if row.style == s}) for s in ("accented", "native"))
    count = min(DEV_SPEAKERS, len(readers) // 2)
    return {*(readers[:: len(readers) // count][:count] if count else ()), *prompts[::DEV_PROMPTS]}


def main() -> None:
    """Write banks `recordings_train` and `recordings_dev`."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bank", "downloads", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--recordings", type=Path, help="folder with manifest.tsv (default: Asterisk alone)")
    parser.add_argument("--synthetic", default="synthetic", help="bank in OUT on which the alignment is counted")
    parser.add_argument("--codec", default="decodec-16k-semantic", help="name or folder of the codec")
    parser.add_argument("--limit", type=int, help="only as many recordings of each style")
    args = parser.parse_args()
    synthetic, tokenizer = read_bank(args.out, args.synthetic), SemanticTokenizer(args.codec)
    spoken: list[Utterance] = []
    counts: Counter[str] = Counter()
    for row in readings(args.bank, args.recordings, args.downloads):
        counts[row.style] += 1
        if args.limit is None or counts[row.style] <= args.limit:
            tokens, features = tokenizer(row.samples)
            durations = np.zeros(0, np.uint16)
            spoken.append(Utterance(row.phones, durations, tokens, features, row.style, row.speaker, row.text))
    first = aligned(spoken, emission_table(synthetic))
    rows = best(aligned(spoken, emission_table([*synthetic, *(row for _, row in first)])))
    dev = held_out(rows)
    for name, is_dev in (("train", False), ("dev", True)):
        part = [row for row in rows if (row.speaker in dev) == is_dev]
        write_bank(args.out, f"recordings_{name}", part)
        print(f"recordings_{name}: {len(part)} recordings, {sum(len(row.tokens) for row in part) / 3000:.1f} min")


if __name__ == "__main__":
    main()
