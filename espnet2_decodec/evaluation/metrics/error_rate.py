"""Word and character errors of transcripts: of one transcript, or of a set by sclite, or jiwer where it is missing."""

import math
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from espnet2_decodec.atomic import write_text
from espnet2_decodec.data.text import words
from espnet2_decodec.evaluation.systems.base import Unavailable

DEBIAN_SCLITE = "/usr/lib/sctk/bin/sclite"
"""Path of sclite in Debian's package sctk, which is not on PATH."""

SPACE = "<space>"
"""A space between the characters of a line; it counts as a character, as in ESPnet."""

_SUM = re.compile(r"\| *Sum *\| *\d+ +(\d+) *\| *\d+ +(\d+) +(\d+) +(\d+) ")


@dataclass(frozen=True)
class ErrorCounts:
    """Counts of a Levenshtein alignment of a hypothesis with its reference, in words or in characters."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def reference_length(self) -> int:
        """Words or characters of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def recall(self) -> float:
        """Share of the reference that was recognized, 0 to 1, whatever is inserted; NaN for an empty reference."""
        return self.hits / self.reference_length if self.reference_length else math.nan

    @property
    def rate(self) -> float:
        """Errors over the length of the reference, above 1 with many insertions; NaN for an empty reference."""
        return self.errors / self.reference_length if self.reference_length else math.nan


def word_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Word errors of one transcript, without regard to case and punctuation."""
    return _align(words(reference), words(hypothesis))


def character_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Character errors of one transcript, without regard to case, punctuation and spaces."""
    return _align(list("".join(words(reference))), list("".join(words(hypothesis))))


def require_jiwer() -> None:
    """Check that single transcripts can be scored.

    Raises:
        Unavailable: if jiwer is not installed.
    """
    if find_spec("jiwer") is None:
        raise Unavailable("jiwer is not installed (pip install jiwer).")


def find_scorer() -> str:
    """Path of sclite, or "jiwer".

    Raises:
        ValueError: if neither is installed.
    """
    found = shutil.which("sclite") or (DEBIAN_SCLITE if Path(DEBIAN_SCLITE).is_file() else None)
    if found is None and not find_spec("jiwer"):
        raise ValueError("Error rates need sclite (Debian: sctk) or jiwer (pip install jiwer): install one of them.")
    return found or "jiwer"


def count_errors(
    references: Mapping[str, str], hypotheses: Mapping[str, str], unit: str, scorer: str, out: Path | None = None
) -> ErrorCounts:
    """Errors of all utterances of a set together, with their text as it is.

    Args:
        references: text by utterance id.
        hypotheses: text by utterance id; an empty one counts as deletions.
        unit: `word` or `char`.
        scorer: from `find_scorer`.
        out: file for the alignments.

    Raises:
        ValueError: if the utterances differ, or sclite fails.
    """
    if references.keys() != hypotheses.keys():
        odd = sorted(references.keys() ^ hypotheses.keys())
        raise ValueError(f"{len(odd)} utterances have no reference or no hypothesis, for example {odd[0]}.")
    keys = sorted(references)
    reference_lines, hypothesis_lines = (
        [_units(texts[key], unit) for key in keys] for texts in (references, hypotheses)
    )
    if scorer == "jiwer":
        return _count_by_jiwer(reference_lines, hypothesis_lines, out)
    return _count_by_sclite(reference_lines, hypothesis_lines, scorer, out)


def _units(text: str, unit: str) -> str:
    """The words or characters of a line, separated by spaces."""
    parts = text.split()
    return " ".join(parts if unit == "word" else [SPACE if letter == " " else letter for letter in " ".join(parts)])


def _align(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    """Alignment of two sequences of units without spaces."""
    if not reference:
        return ErrorCounts(0, 0, 0, len(hypothesis))
    return _count_by_jiwer([" ".join(reference)], [" ".join(hypothesis)], None)


def _count_by_jiwer(references: list[str], hypotheses: list[str], out: Path | None) -> ErrorCounts:
    import jiwer

    aligned = jiwer.process_words(references, hypotheses)
    if out is not None:
        write_text(out, jiwer.visualize_alignment(aligned))
    return ErrorCounts(aligned.hits, aligned.substitutions, aligned.deletions, aligned.insertions)


def _count_by_sclite(references: list[str], hypotheses: list[str], sclite: str, out: Path | None) -> ErrorCounts:
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in (("ref.trn", references), ("hyp.trn", hypotheses)):
            lines = (f"{text} (all-{i})\n" for i, text in enumerate(texts, start=1))
            Path(folder, name).write_text("".join(lines), encoding="utf-8")
        options = "-r ref.trn trn -h hyp.trn trn -i rm -s -o rsum pralign stdout".split()
        done = subprocess.run([sclite, *options], cwd=folder, capture_output=True, check=False)
    output, errors = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    found = _SUM.search(output)
    if done.returncode or not found:
        raise ValueError(f"sclite failed: {errors.strip()[-300:] or output[-300:]}")
    if out is not None:
        write_text(out, output)
    length, substitutions, deletions, insertions = map(int, found.groups())
    return ErrorCounts(length - substitutions - deletions, substitutions, deletions, insertions)
