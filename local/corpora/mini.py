"""The few minutes that lie in this repository: prepared without network, root or decoder."""

import csv
from collections.abc import Iterator
from pathlib import Path

from local.recording import Recording

FOLDER = Path(__file__).parents[1] / "mini"
COLUMNS = ("file", "stream", "split", "label", "class", "text", "package", "licence")


def recordings(folder: Path = FOLDER) -> Iterator[Recording]:
    """The rows of ``manifest.tsv``.

    Raises:
        ValueError: A file of the manifest is not there.
    """
    for row in read_tsv(folder / "manifest.tsv"):
        path = folder / row["file"]
        if not path.is_file():
            raise ValueError(f"{path} is not there: check this repository out again.")
        yield Recording(
            path, row["stream"], row["split"], row["label"], path.stem, text=row["text"], sound=row["class"]
        )


def read_tsv(path: Path) -> list[dict[str, str]]:
    """A tab-separated table with a header line, as a dict a row."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
