"""Words of a text, and how many of them a recogniser got right: error rates through jiwer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from espnet2_decodec.data.text import words
from espnet2_decodec.evaluation.systems.base import Unavailable


@dataclass(frozen=True)
class Counts:
    """What an alignment of a transcript with its reference has, in words or in characters."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def length(self) -> int:
        """Of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def found(self) -> float:
        """Share of the reference that was found, 0 to 1; NaN for an empty one. What is invented beside it does not count."""
        return self.hits / self.length if self.length else math.nan

    @property
    def error_rate(self) -> float:
        """Errors over the length of the reference, which insertions can carry above 1; NaN for an empty reference."""
        return (self.substitutions + self.deletions + self.insertions) / self.length if self.length else math.nan


def word_counts(reference: str, transcript: str) -> Counts:
    """Alignment of a transcript with the reference, word by word."""
    return _counts(words(reference), words(transcript))


def character_counts(reference: str, transcript: str) -> Counts:
    """The same character by character, without blanks."""
    return _counts(list("".join(words(reference))), list("".join(words(transcript))))


def require_jiwer() -> None:
    """Say early what is missing.

    Raises:
        Unavailable: if jiwer is not installed.
    """
    if find_spec("jiwer") is None:
        raise Unavailable("jiwer is not installed (pip install jiwer).")


def _counts(reference: Sequence[str], transcript: Sequence[str]) -> Counts:
    """Levenshtein alignment of two sequences of units without blanks."""
    if not reference:
        return Counts(0, 0, 0, len(transcript))
    from jiwer import process_words

    found = process_words(" ".join(reference), " ".join(transcript))
    return Counts(found.hits, found.substitutions, found.deletions, found.insertions)
