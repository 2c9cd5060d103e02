"""Kaldi tables: `key value` lines, sorted as LC_ALL=C sort does."""

from collections.abc import Mapping
from pathlib import Path

from espnet2_decodec.atomic import atomic_write


def read_table(path: str | Path) -> dict[str, str]:
    """A `key value` file, in its order. The value is what follows the first blank, and may hold blanks.

    Raises:
        ValueError: if the file is not there, is empty, a line has no value, or a key stands twice.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not there.")
    table: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        key, _, value = line.strip().partition(" ")
        if not value.strip():
            raise ValueError(f"{path}, line {number}: {line!r} is no 'key value'.")
        if key in table:
            raise ValueError(f"{path}, line {number}: {key} stands there twice.")
        table[key] = value.strip()
    if not table:
        raise ValueError(f"{path} is empty.")
    return table


def write_table(path: str | Path, table: Mapping[str, object]) -> None:
    """Write `table` sorted; the file appears whole or not at all."""
    lines = [f"{key} {table[key]}\n" for key in sorted(table, key=str.encode)]
    with atomic_write(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def check_id(key: str) -> str:
    """An utterance id that can be a file name.

    Raises:
        ValueError: if it holds a slash or starts with a dot.
    """
    if "/" in key or key.startswith("."):
        raise ValueError(f"The utterance id {key!r} cannot be a file name: it has a slash or starts with a dot.")
    return key
