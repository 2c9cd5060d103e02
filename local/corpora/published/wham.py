"""WHAM!: ambient noise of restaurants, bars, offices and parks at 16 kHz, from two microphones (CC BY-NC 4.0)."""

import csv
from collections.abc import Iterator
from pathlib import Path

from local.corpora.corpus import Corpus
from local.recording import Recording

PARTS = {"tr": "train", "cv": "dev", "tt": "test"}


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """The first microphone of all noises, in the published split; a source is one original recording.

    Raises:
        ValueError: The metadata or a noise that they name is missing.
    """
    root = corpus.find_root("wham_noise")
    for part in corpus.choose(PARTS, root):
        sources = read_metadata(corpus, root, part)
        for path in corpus.files(root / part, "*.wav"):
            if path.name not in sources:
                corpus.leave_out(f"noises that are not in noise_meta_{part}.csv", path)
                continue
            yield Recording(
                path,
                "background",
                PARTS[part],
                f"wham_{sources[path.name]}",
                path.stem,
                background_class="environment",
                channel=0,
            )


def read_metadata(corpus: Corpus, root: Path, part: str) -> dict[str, str]:
    """Name of the file -> id of the original recording, of which several noises are cut."""
    path = corpus.require(root / "metadata" / f"noise_meta_{part}.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        columns = {name.strip().lower().replace(" ", "_"): name for name in reader.fieldnames or ()}
        for column in ("utterance_id", "file_id"):
            if column not in columns:
                raise corpus.error(f"{path}, line 1: there is no column {column}.")
        rows = [(reader.line_num, row[columns["utterance_id"]], row[columns["file_id"]]) for row in reader]
    named = [(number, f"{name.removesuffix('.wav')}.wav", source) for number, name, source in rows]
    corpus.check_listed(path, [(number, root / part / name) for number, name, _ in named])
    return {name: source for _, name, source in named}
