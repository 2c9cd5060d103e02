"""Tables and data directories of Kaldi: `key value` lines, sorted as LC_ALL=C sort does."""

import os
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from pathlib import Path

from espnet2_decodec.atomic import atomic_write


class Table(dict[str, str]):
    """A table of Kaldi, in file order. An id that it lacks is named together with the file.

    Attributes:
        path: of the file.
        lines: id -> number of its line.
    """

    path: Path
    lines: dict[str, int]

    def __missing__(self, key: str) -> str:
        raise ValueError(f"{self.path} has no line for {key}: add it, or remove {key} from the other tables.")

    def require(self, other: "Table") -> None:
        """Check that each id of another table is in this one.

        Raises:
            ValueError: if one is missing; the message names its line in the other table.
        """
        for key in other:
            if key not in self:
                raise ValueError(f"{other.path}, line {other.lines[key]}: {key} has no line in {self.path}.")


def read_table(path: str | Path) -> Table:
    """Read a table of `key value` lines in file order, as Kaldi and ESPnet do.

    The value follows the first blanks or tabs, and may contain spaces. Lines end at newlines only, not at other
    characters that Unicode counts as line ends. Empty lines and a byte order mark are skipped. Paths in a .scp file are
    names of the file system, in whatever encoding; other tables are UTF-8.

    Raises:
        ValueError: if the file does not exist or is empty, a line has no value or is not UTF-8, a key occurs twice, or
            the value is a command in a .scp file.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not there: prepare the data first.")
    table = Table()
    table.path, table.lines = path, {}
    for number, (key, *rest) in _rows(path):
        if not rest:
            raise ValueError(f"{path}, line {number}: {key!r} is not 'key value'.")
        if key in table:
            raise ValueError(f"{path}, line {number}: {key} occurs twice, first in line {table.lines[key]}.")
        if path.suffix == ".scp" and rest[0].endswith("|"):
            raise ValueError(
                f"{path}, line {number}: commands such as {rest[0]!r} are not run; write the output of the command to "
                "a file, and its path to the table."
            )
        table[key], table.lines[key] = rest[0], number
    if not table:
        raise ValueError(f"{path} is empty.")
    return table


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and key and value of each line that is not empty; the value may be missing."""
    if path.suffix != ".scp":
        for number, line in read_lines(path):
            yield number, line.split(maxsplit=1)
        return
    for number, content in enumerate(path.read_bytes().removeprefix(BOM_UTF8).splitlines(), start=1):
        fields = content.strip().split(maxsplit=1)
        if fields:
            yield number, [os.fsdecode(field) for field in fields]


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Number and content of each line of a table that is not empty, without white space at its ends.

    Raises:
        ValueError: if the file is not UTF-8.
    """
    for number, line in enumerate(Path(path).read_bytes().splitlines(), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, line {number}: byte {line[error.start]:#04x} is not UTF-8; convert the table, for example "
                "with iconv -f latin1 -t utf-8."
            ) from None
        if text:
            yield number, text


def read_optional_table(path: str | Path) -> Table:
    """Read a table; an empty one where the file does not exist.

    Raises:
        ValueError: as in `read_table`, for a file that exists.
    """
    if Path(path).is_file():
        return read_table(path)
    table = Table()
    table.path, table.lines = Path(path), {}
    return table


def write_table(path: str | Path, table: Mapping[str, object]) -> None:
    """Write a table, sorted and atomically; paths in a .scp file as names of the file system."""
    content = "".join(f"{key} {table[key]}\n" for key in sorted(table, key=os.fsencode))
    with atomic_write(path) as temporary:
        temporary.write_bytes(os.fsencode(content) if Path(path).suffix == ".scp" else content.encode())


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
