"""LibriSpeech (OpenSLR 12): read English at 16 kHz, with transcripts in capitals (CC BY 4.0)."""

from collections.abc import Iterator

from local.corpora.corpus import Corpus
from local.corpora.published.libritts import PARTS
from local.recording import Recording


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """All utterances, in the published split; speakers have the numbers of LibriVox, as in LibriTTS.

    Raises:
        ValueError: An utterance that has a transcript is missing.
    """
    root = corpus.find_root("LibriSpeech")
    for part in corpus.choose(PARTS, root):
        split = part.split("-")[0]
        texts: dict[str, str] = {}
        for listed in corpus.files(root / part, "*/*/*.trans.txt"):
            rows = [(number, *line.partition(" ")[::2]) for number, line in corpus.lines(listed)]
            corpus.check_listed(listed, [(number, listed.parent / f"{name}.flac") for number, name, _ in rows])
            texts |= {name: text for _, name, text in rows}
        for path in corpus.files(root / part, "*/*/*.flac"):
            text = corpus.transcript(texts.get(path.stem, ""), path)
            yield Recording(path, "speech", split, f"libri_{path.parts[-3]}", path.stem, text=text)
