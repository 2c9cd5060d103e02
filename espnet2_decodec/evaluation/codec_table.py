"""The table by which codecs are compared on LibriSpeech test-clean: measured rows, and published ones with sources."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.evaluation.librispeech import QUALITY, WORDS, CodecScores
from espnet2_decodec.evaluation.published import read_published, read_sources
from espnet2_decodec.evaluation.tables import bullet_list, format_number, markdown_table, write_csv

COLUMNS = {
    "kbps": ("kbit/s", 2),
    "frame_rate": ("frames/s", 1),
    "pesq": ("PESQ-WB", 2),
    "stoi": ("STOI", 2),
    "utmos": ("UTMOS", 2),
    "distillmos": ("DistillMOS", 2),
    "wer": ("WER, %", 2),
    "similarity": ("similarity", 2),
}
"""Column -> heading and decimals."""

MEASURED = "measured"
"""Source of the rows that were computed here."""

NOTES = (
    "Published rows were computed by others, with other recognizers and other speaker embeddings: word error rates and "
    "similarities compare within one source only. Measured similarity is the cosine of resemblyzer's embeddings.",
    "The speech stream alone (`speech=N,background=0`) is one of two streams of DeCodec; the rate is that of all "
    "streams that are decoded.",
)


def measured_rows(results: Sequence[CodecScores]) -> list[dict[str, Any]]:
    """One row of the table for each system that was scored."""
    return [
        {
            "system": result.name,
            "kbps": result.kbps,
            "frame_rate": result.frame_rate,
            **{metric: result.mean(metric) for metric in QUALITY},
            "wer": result.word_error_rate,
            "source": MEASURED,
        }
        for result in results
    ]


def published_rows() -> list[dict[str, Any]]:
    """The rows of others."""
    return [{"system": row.system, **row.figures, "source": row.source} for row in read_published()]


def write_table(out: Path, results: Sequence[CodecScores], head: Mapping[str, str], notes: Sequence[str] = ()) -> Path:
    """Write scores.csv (one line per utterance), table.csv and table.md.

    Args:
        out: folder.
        results: of the systems.
        head: lines about machine, data and recognizer.
        notes: further lines, such as what was skipped.

    Returns:
        Path of table.md.
    """
    rows = [*measured_rows(results), *published_rows()]
    scores = [
        {"system": result.name, "uttid": key} | values for result in results for key, values in result.scores.items()
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "scores.csv", ["system", "uttid", *QUALITY, *WORDS], scores)
    write_csv(out / "table.csv", ["system", *COLUMNS, "source"], rows)
    with atomic_write(out / "table.md") as temporary:
        temporary.write_text(_markdown(rows, head, notes), encoding="utf-8")
    return out / "table.md"


def _markdown(rows: Sequence[Mapping[str, Any]], head: Mapping[str, str], notes: Sequence[str]) -> str:
    """The table, what it was made with, and the sources of its published rows."""
    numbers = {source: str(i) for i, source in enumerate(read_sources(), start=1)}
    body = []
    for row in rows:
        source = row["source"]
        cells = [_format(row.get(name), digits) for name, (_, digits) in COLUMNS.items()]
        body.append([row["system"], *cells, source if source == MEASURED else f"published [{numbers[source]}]"])
    headings = ["system", *(heading for heading, _ in COLUMNS.values()), "source"]
    lines = ["# Codecs on clean speech", "", *bullet_list(head, [*NOTES, *notes]), "", *markdown_table(headings, body)]
    lines += ["", "## Sources", ""]
    lines += [f"{numbers[key]}. {source.citation}. {source.conditions}" for key, source in read_sources().items()]
    return "\n".join(lines) + "\n"


def _format(value: float | None, digits: int) -> str:
    """A number, "-" where there is none; frame rates and bit rates without trailing zeros."""
    if value is None or math.isnan(value):
        return "-"
    return format_number(value, digits) if digits == 2 else f"{value:g}"
