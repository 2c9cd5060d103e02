"""Examples to listen to: a folder with the table examples.csv and the sounds beside it, which a page can show."""

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
    """One sound, a line of the table.

    Attributes:
        group: what is shown, such as "Voice conversion"; a section of a page.
        example: the utterance; its sounds stand together.
        label: what this sound of it is, such as "source" or "converted".
        file: the sound, relative to the folder, with forward slashes.
        note: figures or the text that is said; may be empty.
    """

    group: str
    example: str
    label: str
    file: str
    note: str = ""


COLUMNS = tuple(field.name for field in fields(Example))


def file_name(*parts: str) -> str:
    """The name of a sound that is safe in any file system, from what it is called by; different parts may give the same."""
    return ".".join(re.sub(r"[^A-Za-z0-9_+-]+", "-", part).strip("-") or "x" for part in parts)[:150] + ".wav"


def write_sound(path: str | Path, wav: Tensor, sample_rate: int) -> None:
    """Samples [L] as 16-bit WAV; those beyond -1..1 are made quieter as a whole."""
    write(path, [wav], sample_rate, rescale=True)


def remove_examples(folder: str | Path) -> None:
    """Remove the table of a folder and the sounds that it names, so that nothing of an earlier run is left beside new ones."""
    folder = Path(folder)
    if (folder / TABLE).is_file():
        for line in read_examples(folder, checked=False):
            (folder / line.file).unlink(missing_ok=True)
        (folder / TABLE).unlink()


def write_examples(folder: str | Path, lines: Sequence[Example]) -> None:
    """Write the table; the sounds come before it."""
    with atomic_write(Path(folder) / TABLE) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(astuple, lines))


def read_examples(folder: str | Path, checked: bool = True) -> list[Example]:
    """The lines of a folder's table, in its order.

    Args:
        folder: with the table and the sounds.
        checked: whether the sounds must be there.

    Raises:
        ValueError: if the folder or the table is not there, the table lacks a column, holds no line or an incomplete one,
            names a sound twice for one example, or one that is not in the folder.
    """
    folder = Path(folder)
    path = folder / TABLE
    if not path.is_file():
        what = f"has no {TABLE}" if folder.is_dir() else "is no folder"
        raise ValueError(f"{folder} {what}; give one that `score_conversion --keep` or `tts_score --keep` wrote.")
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ValueError(f"{path} lacks the column {', '.join(missing)}.")
            lines = [_line(f"{path}, line {reader.line_num}", line) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no CSV file in UTF-8: {error}.") from None
    if not lines:
        raise ValueError(f"{path} holds no examples.")
    seen: set[tuple[str, str, str]] = set()
    for line in lines:
        if (line.group, line.example, line.label) in seen:
            raise ValueError(f"{path}: {line.label!r} of {line.example!r} stands there twice.")
        seen.add((line.group, line.example, line.label))
        if checked and not (folder / line.file).is_file():
            raise ValueError(f"{path} names {line.file}, which is not there.")
    return lines


def _line(place: str, fields_of: dict) -> Example:
    """A checked line."""
    if None in fields_of or None in fields_of.values():
        raise ValueError(f"{place} has not as many fields as there are columns.")
    found = Example(*(fields_of[name].strip() for name in COLUMNS))
    for name in ("group", "example", "label", "file"):
        if not getattr(found, name):
            raise ValueError(f"{place} has no {name}.")
    sound = PurePosixPath(found.file)
    if sound.is_absolute() or ".." in sound.parts:
        raise ValueError(f"{place}: {found.file} is not in the folder of the table.")
    return found
