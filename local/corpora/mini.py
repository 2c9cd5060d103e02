"""The recordings in this repository, prepared without network, root or decoder."""

import csv
from collections.abc import Iterator
from pathlib import Path

from local.recording import Recording

FOLDER = Path(__file__).parents[1] / "mini"
COLUMNS = ("file", "stream", "split", "speaker", "class", "text", "package", "license")


def recordings(folder: Path = FOLDER) -> Iterator[Recording]:
    """The recordings of ``manifest.tsv``.

    Raises:
        ValueError: A file of the manifest is missing.
    """
    for row in read_tsv(folder / "manifest.tsv"):
        path = folder / row["file"]
        if not path.is_file():
            raise ValueError(f"{path} is missing: check out this repository again.")
        yield Recording(
            path,
            row["stream"],
            row["split"],
            row["speaker"],
            path.stem,
            text=row["text"],
            background_class=row["class"],
        )


def read_tsv(path: Path) -> list[dict[str, str]]:
    """The rows of a tab-separated table with a header line, as dicts."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
