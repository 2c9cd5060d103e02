"""AISHELL-3 (OpenSLR 93): 218 Mandarin speakers at 44.1 kHz (Apache-2.0)."""

from collections.abc import Iterator
from pathlib import Path

from local.corpora.corpus import Corpus
from local.recording import Recording


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """All utterances of disjoint speakers.

    Most speakers are in both parts, train and test. Those of train are in the training set, with their recordings of
    train; the speakers that are only in test are in the development and the test set.

    Raises:
        ValueError: An utterance of content.txt is missing, or a line has no transcript.
    """
    corpus.refuse_parts()
    root = corpus.find_root("data_aishell3", "AISHELL-3")
    texts = {part: read_content(corpus, root / part) for part in ("train", "test")}
    trained = {path.parent.name for path in texts["train"]}
    held_out = sorted({path.parent.name for path in texts["test"]} - trained)
    dev = set(held_out[::2])
    for path, text in texts["train"].items():
        yield Recording(path, "speech", "train", f"aishell3_{path.parent.name}", path.stem, text=text)
    for path, text in texts["test"].items():
        speaker = path.parent.name
        if speaker in trained:
            corpus.leave_out("recordings of test by speakers of train", path)
        else:
            split = "dev" if speaker in dev else "test"
            yield Recording(path, "speech", split, f"aishell3_{speaker}", path.stem, text=text)
    for part in texts:
        for path in corpus.files(root / part / "wav", "*/*.wav"):
            if path not in texts[part]:
                corpus.leave_out(f"recordings that are not in {part}/content.txt", path)


def read_content(corpus: Corpus, folder: Path) -> dict[Path, str]:
    """Recording -> characters, from lines ``SSB00050001.wav<tab>广 guang3 州 zhou1``."""
    listed = folder / "content.txt"
    found, rows = {}, []
    for number, line in corpus.lines(listed):
        name, _, content = line.replace("\t", " ", 1).partition(" ")
        path = folder / "wav" / name[:7] / name
        if not content.split():
            raise corpus.error(f"{listed}, line {number}: {name} has no transcript.")
        found[path] = "".join(content.split()[::2])
        rows.append((number, path))
    corpus.check_listed(listed, rows)
    return found
