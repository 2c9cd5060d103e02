"""Results of probes as probes.csv and probes.md."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.mixtures import condition_order, parse_snr
from espnet2_decodec.evaluation.metrics.bootstrap import RESAMPLES, SEED, Interval
from espnet2_decodec.evaluation.tables import markdown_table

TITLES = {
    "words": "Words of the speech that a recogniser finds, %",
    "pauses": "Level of the speech stem in the pauses of the speech, dB relative to the mixture there",
    "detector": "Detection of background in the speech stem, area under the curve in %",
    "speaker": "Speaker from the tokens, % of windows of 1 s",
    "background": "Class of the background from the tokens, % of windows of 1 s",
    "phones": "Phones from the tokens, % of frames",
}
"""Probes and their headings, in the order of the tables."""

NOTES = {
    "words": """\
Share of the words of the text that stand in the transcript of a stem, which is brought to -26 dBFS first. In the speech more is
better, in the background less. Chance: the words of another recording's text in the same transcripts.""",
    "pauses": """\
Frames of 20 ms at least 0.1 s away from speech that is within 40 dB of its loudest frame. Less is better; 0 is the untouched
mixture.""",
    "detector": """\
Logistic regression on the mean and the deviation of log-mel bands over 1 s tells the speech stems of mixtures from those of clean
speech by the same system; tested on a voice that it has not heard. 50 is no trace of the background, and the best.""",
    "speaker": """\
Logistic regression on the mean and the deviation of what the levels stand for; tested on segments that it has not heard, at all
conditions with speech; means and intervals over segments. Chance: always the most frequent speaker.""",
    "background": """\
As before, of the backgrounds at all SNRs and alone, tested on segments that it has not heard. Chance: the same class always.""",
    "phones": """\
Logistic regression on single frames, tested on sentences that it has not heard. Chance: always the most frequent phone.""",
}

INTERVALS = f"""\
Means over recordings, with 95 % intervals in square brackets (percentile bootstrap over recordings, {RESAMPLES} resamples, seed
{SEED}) and chance in round ones; "-" where a figure is undefined."""


@dataclass(frozen=True)
class Line:
    """One figure.

    Attributes:
        probe: of `TITLES`.
        system: whose stems or tokens; for tokens what is looked at, as `speech`.
        what: stem, or level or levels of tokens.
        condition: SNR, clean or background; or another word where recordings of all conditions are pooled.
        found: with its interval, in the unit of the title.
        chance: what knowing nothing gives, in the same unit; NaN where that is told by the title.
    """

    probe: str
    system: str
    what: str
    condition: str
    found: Interval
    chance: float = math.nan


def write_lines(path: str | Path, lines: Sequence[Line]) -> None:
    """One record per figure; an undefined one is an empty field."""
    with atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["probe", "system", "what", "condition", "mean", "low", "high", "count", "chance"])
        for line in lines:
            figures = [line.found.mean, line.found.low, line.found.high, line.found.count, line.chance]
            writer.writerow([line.probe, line.system, line.what, line.condition, *map(_field, figures)])


def markdown(lines: Sequence[Line], head: Mapping[str, str], skipped: Sequence[str]) -> str:
    """The head, what was left out, and one table for each probe: systems or levels down, conditions across."""
    text = [
        "# Probes",
        "",
        *(f"- {key}: {value}" for key, value in head.items()),
        *(f"- {line}" for line in skipped),
        "",
    ]
    text.append(INTERVALS)
    for probe, heading in TITLES.items():
        here = [line for line in lines if line.probe == probe]
        if here:
            text += ["", f"## {heading}", "", NOTES[probe], "", *_table(here)]
    return "\n".join(text) + "\n"


def _table(lines: Sequence[Line]) -> list[str]:
    """One probe."""
    conditions = sorted(dict.fromkeys(line.condition for line in lines), key=condition_order)
    rows: dict[tuple[str, str], dict[str, Line]] = {}
    for line in lines:
        rows.setdefault((line.system, line.what), {})[line.condition] = line
    body = [[*key, *(_cell(cells.get(c)) for c in conditions)] for key, cells in rows.items()]
    return markdown_table(["system", "of", *map(_heading, conditions)], body, 2)


def _cell(line: Line | None) -> str:
    """A figure for people."""
    if line is None or not line.found.count:
        return "-"
    mean, low, high = (f"{value:.1f}" for value in (line.found.mean, line.found.low, line.found.high))
    chance = "" if math.isnan(line.chance) else f" ({line.chance:.1f})"
    return f"{mean} [{low}, {high}]{chance}"


def _heading(condition: str) -> str:
    """A condition above a column."""
    return f"{condition} dB" if _is_snr(condition) else condition


def _is_snr(condition: str) -> bool:
    try:
        return parse_snr(condition) is not None
    except ValueError:
        return False


def _field(value: float) -> str:
    """A figure for programs."""
    return (
        "" if math.isnan(value) else f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    )
