"""Tables and data directories of Kaldi: `key value` lines, sorted as LC_ALL=C sort does."""

from collections.abc import Mapping
from pathlib import Path

from espnet2_decodec.atomic import atomic_write


def read_table(path: str | Path) -> dict[str, str]:
    """Read a table of `key value` lines in file order. The value follows the first space, and may contain spaces.

    Raises:
        ValueError: if the file does not exist or is empty, a line has no value, or a key occurs twice.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not there: prepare the data first.")
    table: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        key, _, value = line.strip().partition(" ")
        if not value.strip():
            raise ValueError(f"{path}, line {number}: {line!r} is not 'key value'.")
        if key in table:
            raise ValueError(f"{path}, line {number}: {key} occurs twice.")
        table[key] = value.strip()
    if not table:
        raise ValueError(f"{path} is empty.")
    return table


def read_optional_table(path: str | Path) -> dict[str, str]:
    """Read a table; an empty dict where the file does not exist.

    Raises:
        ValueError: as in `read_table`, for a file that exists.
    """
    return read_table(path) if Path(path).is_file() else {}


def write_table(path: str | Path, table: Mapping[str, object]) -> None:
    """Write a table, sorted and atomically."""
    lines = [f"{key} {table[key]}\n" for key in sorted(table, key=str.encode)]
    with atomic_write(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def write_data_dir(folder: str | Path, tables: Mapping[str, Mapping[str, object]]) -> None:
    """Write the tables of a data directory, name -> table, and spk2utt; `text` is the last one."""
    speakers: dict[str, list[str]] = {}
    for key in sorted(tables["utt2spk"], key=str.encode):
        speakers.setdefault(str(tables["utt2spk"][key]), []).append(key)
    write_table(Path(folder) / "spk2utt", {speaker: " ".join(keys) for speaker, keys in speakers.items()})
    for name in sorted(tables, key=lambda name: name == "text"):
        write_table(Path(folder) / name, tables[name])


def check_id(key: str) -> str:
    """Return an utterance id that is also a file name.

    Raises:
        ValueError: if it contains a slash or starts with a dot.
    """
    if "/" in key or key.startswith("."):
        raise ValueError(f"The utterance id {key!r} cannot be a file name: it has a slash or starts with a dot.")
    return key
