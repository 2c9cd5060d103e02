"""DEMAND: 18 environments of five minutes, recorded with 16 microphones, of which the first is used (CC BY 4.0)."""

from collections.abc import Iterator

from local.corpora.corpus import Corpus
from local.recording import Recording

SPLITS = {
    "DKITCHEN": "train", "DWASHING": "train", "NFIELD": "train", "NPARK": "train", "NRIVER": "train",
    "OHALLWAY": "train", "PSTATION": "train", "STRAFFIC": "train", "TCAR": "train", "TMETRO": "dev",
    "DLIVING": "test", "OOFFICE": "test", "TBUS": "test",
}  # fmt: skip
"""Environment -> split; those of the test set of VoiceBank-DEMAND are in test."""
WITH_VOICES = ("OMEETING", "PCAFETER", "PRESTO", "SCAFE", "SPSQUARE")
"""Environments in which people talk throughout."""


def recordings(corpus: Corpus) -> Iterator[Recording]:
    """The first channel of each environment without voices.

    Raises:
        ValueError: An environment has no first channel, or the folder has no environments.
    """
    corpus.refuse_parts()
    root = corpus.find_root("DEMAND")
    for name in corpus.choose((*SPLITS, *WITH_VOICES), root):
        path = corpus.require(root / name / "ch01.wav")
        others = len(list((root / name).glob("ch*.wav"))) - 1
        if name in WITH_VOICES:
            corpus.leave_out(f"recordings of {name}, where people talk", path, others + 1)
            continue
        if others:
            corpus.leave_out("further channels", root / name / "ch02.wav", others)
        yield Recording(
            path, "background", SPLITS[name], f"demand_{name}", f"{name}_ch01", background_class="environment"
        )
