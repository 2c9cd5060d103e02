"""LibriTTS and LibriTTS-R (OpenSLR 60 and 141): read English at 24 kHz, with normalized transcripts (CC BY 4.0)."""

from collections.abc import Iterator
from pathlib import Path

from local.corpora.corpus import Corpus
from local.recording import Recording

PARTS = (
    "train-clean-100", "train-clean-360", "train-other-500", "dev-clean", "dev-other", "test-clean", "test-other",
)  # fmt: skip


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """All utterances, in the published split; speakers have the numbers of LibriVox, as in LibriSpeech.

    Raises:
        ValueError: An utterance that a list of the corpus names is missing.
    """
    root = corpus.find_root("LibriTTS", "LibriTTS_R")
    for part in corpus.choose(PARTS, root):
        check_speakers(corpus, root, part)
        for listed in sorted((root / part).glob("*/*/*.trans.tsv")):
            lines = corpus.lines(listed)
            corpus.check_listed(listed, [(n, listed.parent / f"{line.split()[0]}.wav") for n, line in lines])
        for path in corpus.files(root / part, "*/*/*.wav"):
            text = corpus.text(path.with_suffix(".normalized.txt"), path)
            yield Recording(path, "speech", part.split("-")[0], f"libri_{path.parts[-3]}", path.stem, text=text)


def check_speakers(corpus: Corpus, root: Path, part: str) -> None:
    """Remark the speakers of a part that the table of readers names, but that have no folder."""
    table = root / "speakers.tsv"
    if not table.is_file():
        return
    rows = [line.split("\t") for _, line in corpus.lines(table)]
    missing = [row[0] for row in rows if len(row) > 2 and row[2] == part and not (root / part / row[0]).is_dir()]
    if missing:
        corpus.remark(f"speakers of {part} in {table} without a folder", root / part / missing[0], len(missing))
