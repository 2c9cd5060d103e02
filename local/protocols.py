"""Experiments of publications: their corpora and test sets by one word."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from local.recording import Recording

LIBRITTS = "libritts:train-clean-100,train-clean-360,train-other-500,dev-clean"


@dataclass(frozen=True)
class Protocol:
    """Corpora for training, and those whose test sets are the test set.

    Attributes:
        corpora: Stream -> corpora as on the command line.
        tested: Corpora whose test sets are used; the speakers and sources of all other test sets are trained on.
        utterances: Number of utterances in the test set.
    """

    corpora: dict[str, tuple[str, ...]]
    tested: tuple[str, ...]
    utterances: int

    def assign(self, corpus: str, recordings: Sequence[Recording]) -> list[Recording]:
        """The recordings of a corpus, with those of unused test sets in train."""
        if corpus in self.tested:
            return list(recordings)
        return [replace(r, split="train") if r.split == "test" else r for r in recordings]

    def limit(self, recordings: Sequence[Recording]) -> tuple[list[Recording], list[str]]:
        """Keep as many utterances of the test set as the protocol has, chosen by their names.

        Returns:
            The recordings, and a line with the number of those left out.

        Raises:
            ValueError: There are fewer.
        """
        tested = [r for r in recordings if (r.stream, r.split) == ("speech", "test")]
        if len(tested) < self.utterances:
            raise ValueError(
                f"The test set of this protocol has {self.utterances} utterances, but {' and '.join(self.tested)} have "
                f"only {len(tested)}: unpack them completely."
            )
        order = sorted(tested, key=lambda r: hashlib.sha256(f"{r.speaker} {r.name}".encode()).digest())
        dropped = set(map(id, order[self.utterances :]))
        kept = [r for r in recordings if id(r) not in dropped]
        return kept, [f"speech: {len(dropped)} left out: utterances of the test set beyond {self.utterances}"]


PROTOCOLS = {
    "paper": Protocol(
        {
            "speech": (LIBRITTS, "vctk", "aishell3", "librispeech:test-clean"),
            "background": ("esc50", "dns"),
            "rir": (),
        },
        ("librispeech", "dns"),
        300,
    )
}
"""Name -> protocol; ``paper`` is the one of DeCodec (Luo et al., 2025), whose WSJ is added as kaldi:FOLDER."""
