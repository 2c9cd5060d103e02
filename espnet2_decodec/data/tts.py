"""Data directories for text to speech: transcribed speech in train, dev and test, with the list of its characters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import write_table
from espnet2_decodec.data.splits import SPLITS, TABLES, Row, check_splits, read_transcribed, split_by_speaker
from espnet2_decodec.data.text import CharacterTokenizer, normalize

TOKENS = "tokens.json"
PUNCTUATION = " .,;:!?'\"()-"
"""Characters that a transcript may have beside letters; others are read as words, or are not pronounced."""


@dataclass(frozen=True)
class TTSDataConfig:
    """Selection of recordings.

    Attributes:
        speakers: speakers, or prefixes of their names; empty for all that have transcripts.
        seconds: shortest and longest recording.
        max_speaking_rate: characters per second; a transcript with more cannot be that of its recording.
    """

    speakers: tuple[str, ...] = ()
    seconds: tuple[float, float] = (0.6, 18.0)
    max_speaking_rate: float = 30.0

    def accepts(self, row: Row) -> bool:
        """Whether a recording has a suitable duration, speaking rate and text."""
        seconds, text = float(row["utt2dur"]), normalize(row["text"])
        if not self.seconds[0] <= seconds <= self.seconds[1] or len(text) > self.max_speaking_rate * seconds:
            return False
        return any(c.isalpha() for c in text) and all(c.isalpha() or c in PUNCTUATION for c in text)


def prepare_tts(folders: Sequence[str | Path], out: str | Path, config: TTSDataConfig) -> str:
    """Write out/{train,dev,test}/{wav.scp,text,utt2spk,utt2dur} and out/tokens.json.

    Args:
        folders: Kaldi directories; those without text are skipped.
        out: output folder.
        config: selection of recordings.

    Returns:
        A summary of the sets.

    Raises:
        ValueError: if a split is empty, or a recording is in two folders.
    """
    rows = dict(read_transcribed(folders, config.speakers))
    parts = split_by_speaker({key: row for key, row in rows.items() if config.accepts(row)})
    characters = CharacterTokenizer.from_texts(parts["train"]["text"].values())
    for split in ("dev", "test"):
        texts = parts[split]["text"]
        for key in [key for key in texts if set(normalize(texts[key])) - set(characters.tokens)]:
            for name in TABLES:
                del parts[split][name][key]
    check_splits(parts)
    for split, tables in parts.items():
        for name, table in tables.items():
            write_table(Path(out) / split / name, table)
    with atomic_write(Path(out) / TOKENS) as path:
        path.write_text(json.dumps(characters.tokens, ensure_ascii=False) + "\n", encoding="utf-8")
    sizes = ", ".join(
        f"{split} {len(parts[split]['text'])} ({sum(map(float, parts[split]['utt2dur'].values())) / 60:.1f} min)"
        for split in SPLITS
    )
    speakers = sorted(set(parts["train"]["utt2spk"].values()))
    skipped = len(rows) - sum(len(tables["text"]) for tables in parts.values())
    return (
        f"{sizes}; {len(characters)} tokens; {len(speakers)} speakers: {' '.join(speakers)}; "
        f"{skipped} recordings skipped"
    )
