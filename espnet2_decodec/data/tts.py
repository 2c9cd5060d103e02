"""Transcribed voices as training, development and test sets, with the list of their characters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.text import CharacterTokenizer, normalize

SPLITS = ("train", "dev", "test")
TABLES = ("wav.scp", "text", "utt2spk", "utt2dur")
TOKENS = "tokens.json"
SIGNS = " .,;:!?'\"()-"
"""What a transcript may have beside letters; others are read as words, or mean something that is not said."""


@dataclass(frozen=True)
class Wanted:
    """Which recordings are used.

    Attributes:
        voices: speakers, or beginnings of their names; empty for all that have transcripts.
        seconds: shortest and longest recording.
        fastest: characters a second; a transcript that is longer cannot be that of its recording.
    """

    voices: tuple[str, ...] = ()
    seconds: tuple[float, float] = (0.6, 18.0)
    fastest: float = 30.0


def split_of(index: int) -> str:
    """The split of recording number `index` of its voice, sorted by id: 85 % train, 5 % dev, 10 % test."""
    return "test" if index % 10 == 0 else "dev" if index % 20 == 5 else "train"


def prepare(folders: Sequence[str | Path], out: str | Path, wanted: Wanted) -> str:
    """Write out/{train,dev,test}/{wav.scp,text,utt2spk,utt2dur} and out/tokens.json.

    Args:
        folders: Kaldi directories; those without text are passed over.
        out: to write to.
        wanted: which recordings.

    Returns:
        What was written, in words.

    Raises:
        ValueError: if a split stays empty, or a recording is in two folders.
    """
    parts = {split: {table: {} for table in TABLES} for split in SPLITS}
    left_out = 0
    for split, key, row in _rows(folders, wanted):
        if split is None:
            left_out += 1
            continue
        if key in parts[split]["text"]:
            raise ValueError(f"{key} is in two folders.")
        for table in TABLES:
            parts[split][table][check_id(key)] = row[table]
    characters = CharacterTokenizer.from_texts(parts["train"]["text"].values())
    for split in ("dev", "test"):
        for key in [k for k, text in parts[split]["text"].items() if set(normalize(text)) - set(characters.tokens)]:
            left_out += 1
            for table in TABLES:
                del parts[split][table][key]
    empty = [split for split in SPLITS if not parts[split]["text"]]
    if empty:
        raise ValueError(
            f"No transcribed recording is left for {' and '.join(empty)}: name other voices, or other folders."
        )
    for split, tables in parts.items():
        for table, content in tables.items():
            write_table(Path(out) / split / table, content)
    with atomic_write(Path(out) / TOKENS) as path:
        path.write_text(json.dumps(characters.tokens, ensure_ascii=False) + "\n", encoding="utf-8")
    minutes = {split: sum(map(float, tables["utt2dur"].values())) / 60 for split, tables in parts.items()}
    sizes = ", ".join(f"{split} {len(parts[split]['text'])} ({minutes[split]:.1f} min)" for split in SPLITS)
    voices = sorted(set(parts["train"]["utt2spk"].values()))
    return (
        f"{sizes}; {len(characters)} tokens; {len(voices)} voices: {' '.join(voices)}; {left_out} recordings left out"
    )


def _rows(folders: Sequence[str | Path], wanted: Wanted):
    """Split (None where the recording is left out), id and table entries of each recording of the voices."""
    for folder in map(Path, folders):
        if not (folder / "text").is_file():
            continue
        tables = {table: read_table(folder / table) for table in TABLES}
        counts: dict[str, int] = {}
        for key in sorted(tables["text"], key=str.encode):
            voice = tables["utt2spk"].get(key)
            if key not in tables["wav.scp"] or (wanted.voices and not voice.startswith(wanted.voices)):
                continue
            seconds, text = float(tables["utt2dur"][key]), normalize(tables["text"][key])
            fits = wanted.seconds[0] <= seconds <= wanted.seconds[1] and len(text) <= wanted.fastest * seconds
            usable = fits and any(c.isalpha() for c in text) and all(c.isalpha() or c in SIGNS for c in text)
            yield (split_of(counts.get(voice, 0)) if usable else None), key, {t: tables[t][key] for t in TABLES}
            counts[voice] = counts.get(voice, 0) + usable
