"""Word and character error rates, by sclite where it is installed, otherwise by jiwer."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

DEBIAN = "/usr/lib/sctk/bin/sclite"
"""Where Debian's package sctk puts it, which is not on the path."""

SPACE = "<space>"
"""A blank among the characters of a line; it counts as one of them, as in ESPnet."""

_SUM = re.compile(r"\| *Sum *\| *\d+ +(\d+) *\| *\d+ +(\d+) +(\d+) +(\d+) ")


@dataclass(frozen=True)
class Errors:
    """Substitutions, deletions and insertions against so many units of the reference."""

    units: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def percent(self) -> float:
        """Error rate in percent; above 100 when more is inserted than there is."""
        return 100 * (self.substitutions + self.deletions + self.insertions) / self.units


def find_scorer() -> str:
    """Path of sclite, or "jiwer".

    Raises:
        ValueError: if there is neither.
    """
    found = shutil.which("sclite") or (DEBIAN if Path(DEBIAN).is_file() else None)
    if found is None and not find_spec("jiwer"):
        raise ValueError("Nothing to score with: install sclite (Debian: sctk) or jiwer (pip install jiwer).")
    return found or "jiwer"


def count(
    references: Mapping[str, str], answers: Mapping[str, str], unit: str, scorer: str, out: Path | None = None
) -> Errors:
    """Errors of all recognized utterances together.

    Args:
        references, answers: text by utterance id; an empty answer counts as deletions.
        unit: `word` or `char`.
        scorer: from `find_scorer`.
        out: file for the alignments.

    Raises:
        ValueError: if the utterances differ, or sclite fails.
    """
    if references.keys() != answers.keys():
        odd = sorted(references.keys() ^ answers.keys())
        raise ValueError(f"{len(odd)} utterances were not both spoken and recognized, for one {odd[0]}.")
    tokens = [{key: _tokens(text, unit) for key, text in texts.items()} for texts in (references, answers)]
    return _jiwer(*tokens, out) if scorer == "jiwer" else _sclite(*tokens, scorer, out)


def _tokens(text: str, unit: str) -> list[str]:
    """The units of a line."""
    words = text.split()
    return words if unit == "word" else [SPACE if letter == " " else letter for letter in " ".join(words)]


def _jiwer(references: dict, answers: dict, out: Path | None) -> Errors:
    import jiwer

    keys = sorted(references)
    made = jiwer.process_words([" ".join(references[key]) for key in keys], [" ".join(answers[key]) for key in keys])
    if out is not None:
        out.write_text(jiwer.visualize_alignment(made), encoding="utf-8")
    return Errors(made.hits + made.substitutions + made.deletions, made.substitutions, made.deletions, made.insertions)


def _sclite(references: dict, answers: dict, sclite: str, out: Path | None) -> Errors:
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in (("ref.trn", references), ("hyp.trn", answers)):
            lines = (f"{' '.join(texts[key])} (all-{i})\n" for i, key in enumerate(sorted(texts), start=1))
            Path(folder, name).write_text("".join(lines), encoding="utf-8")
        command = [
            sclite,
            "-r",
            "ref.trn",
            "trn",
            "-h",
            "hyp.trn",
            "trn",
            "-i",
            "rm",
            "-s",
            "-o",
            "rsum",
            "pralign",
            "stdout",
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    said = done.stdout.decode("utf-8", "replace")
    found = _SUM.search(said)
    if done.returncode or not found:
        raise ValueError(f"sclite failed: {done.stderr.decode('utf-8', 'replace').strip()[-300:] or said[-300:]}")
    if out is not None:
        out.write_text(said, encoding="utf-8")
    return Errors(*map(int, found.groups()))
