"""Training, development and test sets of transcribed recordings, for recognizers and for text to speech."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from espnet2_decodec.data.kaldi import check_id, read_table

SPLITS = ("train", "dev", "test")
TABLES = ("wav.scp", "text", "utt2spk", "utt2dur")

Row = dict[str, str]
"""Entries of one utterance in `TABLES`."""
Tables = dict[str, dict[str, str]]
"""Table -> utterance id -> entry."""


def split_of(index: int) -> str:
    """Split of recording number `index` of its speaker, sorted by id: 85 % train, 5 % dev, 10 % test."""
    return "test" if index % 10 == 0 else "dev" if index % 20 == 5 else "train"


def read_transcribed(folders: Sequence[str | Path], speakers: tuple[str, ...] = ()) -> Iterator[tuple[str, Row]]:
    """Utterance id and entries of each transcribed recording.

    Args:
        folders: Kaldi directories; those without text are skipped.
        speakers: names or prefixes of names; empty for all.

    Raises:
        ValueError: if a recording is in two of the folders, or a table cannot be read.
    """
    seen: set[str] = set()
    for folder in map(Path, folders):
        if not (folder / "text").is_file():
            continue
        tables = {name: read_table(folder / name) for name in TABLES}
        for key in tables["text"]:
            if key not in tables["wav.scp"] or (speakers and not tables["utt2spk"][key].startswith(speakers)):
                continue
            if key in seen:
                raise ValueError(f"{key} is in two directories, {folder} being the second.")
            seen.add(check_id(key))
            yield key, {name: tables[name][key] for name in TABLES}


def split_by_speaker(rows: Mapping[str, Row]) -> dict[str, Tables]:
    """Split -> tables: the recordings of each speaker are split by `split_of`.

    Args:
        rows: utterance id -> entries.
    """
    counts: dict[str, int] = {}
    parts: dict[str, Tables] = {split: {name: {} for name in TABLES} for split in SPLITS}
    for key in sorted(rows, key=str.encode):
        speaker = rows[key]["utt2spk"]
        part = parts[split_of(counts.get(speaker, 0))]
        counts[speaker] = counts.get(speaker, 0) + 1
        for name in TABLES:
            part[name][key] = rows[key][name]
    return parts


def check_splits(parts: Mapping[str, Tables]) -> None:
    """Refuse an empty split.

    Raises:
        ValueError: if there is one.
    """
    empty = [split for split in SPLITS if not parts[split]["text"]]
    if empty:
        count = sum(len(tables["text"]) for tables in parts.values())
        raise ValueError(
            f"{count} transcribed recordings are too few: none is left for {' and '.join(empty)}. "
            "Name other speakers, or other folders."
        )
