"""Figures of codecs as others published them, with their sources; none of them was measured here."""

import csv
from dataclasses import dataclass
from pathlib import Path

FIGURES = ("kbps", "frame_rate", "pesq", "stoi", "utmos", "wer", "similarity")
"""Columns with numbers: kbit/s, Hz, PESQ-WB, STOI, UTMOS, word error rate in percent, speaker similarity."""


@dataclass(frozen=True)
class Published:
    """One published row.

    Attributes:
        system: name of the codec.
        figures: some of `FIGURES`.
        source: key of `read_sources`.
    """

    system: str
    figures: dict[str, float]
    source: str


@dataclass(frozen=True)
class Source:
    """Where figures were published, and under which conditions as far as they are known."""

    citation: str
    conditions: str


def read_published() -> list[Published]:
    """All published rows for LibriSpeech test-clean, from high to low bit rates."""
    return [
        Published(row["system"], {name: float(row[name]) for name in FIGURES if row[name]}, row["source"])
        for row in _read("librispeech_test_clean.csv")
    ]


def read_sources() -> dict[str, Source]:
    """The sources by their keys."""
    return {row["source"]: Source(row["citation"], row["conditions"]) for row in _read("sources.csv")}


def _read(name: str) -> list[dict[str, str]]:
    """Rows of a file in this folder."""
    with open(Path(__file__).with_name(name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
