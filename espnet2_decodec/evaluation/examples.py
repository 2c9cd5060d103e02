"""Audio examples for a page: a folder with audio files and a table of them, examples.csv."""

import csv
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath

from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.io.audio import write

TABLE = "examples.csv"


@dataclass(frozen=True)
class Example:
    """One audio file, a row of the table.

    Attributes:
        group: title of its section, such as "Voice conversion".
        example: name of its utterance, whose audio files are shown together.
        label: its kind, such as "source" or "converted"; unique within the example.
        file: path relative to the folder, with forward slashes.
        note: scores or a transcript; may be empty.
    """

    group: str
    example: str
    label: str
    file: str
    note: str = ""


COLUMNS = tuple(field.name for field in fields(Example))


def file_name(*parts: str) -> str:
    """A file name that is valid in any file system; different parts may give the same name."""
    return ".".join(re.sub(r"[^A-Za-z0-9_+-]+", "-", part).strip("-") or "x" for part in parts)[:150] + ".wav"


def write_audio(path: str | Path, wav: Tensor, sample_rate: int) -> None:
    """Write samples [L] as 16-bit WAV, scaled to a peak of 0.99 where they would clip."""
    write(path, [wav], sample_rate, rescale=True)


def remove_examples(folder: str | Path) -> None:
    """Remove the table of an earlier run and the audio files in it."""
    folder = Path(folder)
    if (folder / TABLE).is_file():
        for line in read_examples(folder, checked=False):
            (folder / line.file).unlink(missing_ok=True)
        (folder / TABLE).unlink()


def write_examples(folder: str | Path, lines: Sequence[Example]) -> None:
    """Write the table, after the audio files."""
    with atomic_write(Path(folder) / TABLE) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(astuple, lines))


def read_examples(folder: str | Path, checked: bool = True) -> list[Example]:
    """Read the table of a folder.

    Args:
        folder: with the table and the audio files.
        checked: whether the audio files must exist.

    Raises:
        ValueError: if the folder or the table does not exist; if the table lacks a column, has no rows or an incomplete
            one, repeats a label of an example, or names a file outside the folder or (if `checked`) a missing one.
    """
    folder = Path(folder)
    path = folder / TABLE
    if not path.is_file():
        problem = f"has no {TABLE}" if folder.is_dir() else "is not a folder"
        raise ValueError(f"{folder} {problem}; pass one that `score_conversion --keep` or `tts_score --keep` wrote.")
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ValueError(f"{path} lacks the column {', '.join(missing)}.")
            lines = [_line(f"{path}, line {reader.line_num}", line) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV file in UTF-8: {error}.") from None
    if not lines:
        raise ValueError(f"{path} contains no examples.")
    seen: set[tuple[str, str, str]] = set()
    for line in lines:
        if (line.group, line.example, line.label) in seen:
            raise ValueError(f"{path}: the label {line.label!r} of {line.example!r} is repeated.")
        seen.add((line.group, line.example, line.label))
        if checked and not (folder / line.file).is_file():
            raise ValueError(f"{path} names {line.file}, which does not exist.")
    return lines


def _line(place: str, fields_of: dict) -> Example:
    """A row after checks of its fields."""
    if None in fields_of or None in fields_of.values():
        raise ValueError(f"{place} does not have one field for each column.")
    found = Example(*(fields_of[name].strip() for name in COLUMNS))
    for name in ("group", "example", "label", "file"):
        if not getattr(found, name):
            raise ValueError(f"{place} has no {name}.")
    sound = PurePosixPath(found.file)
    if sound.is_absolute() or ".." in sound.parts:
        raise ValueError(f"{place}: {found.file} is outside the folder of the table.")
    return found
