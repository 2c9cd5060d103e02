"""Results of probes as probes.csv and probes.md."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from espnet2_decodec.data.mixtures import condition_order
from espnet2_decodec.evaluation.metrics.bootstrap import Interval
from espnet2_decodec.evaluation.tables import (
    INTERVAL_NOTE,
    bullet_list,
    condition_heading,
    format_interval,
    markdown_table,
    write_csv,
)

TITLES = {
    "words": "Recall of the words of the speech by a recognizer, %",
    "pauses": "Level of the speech stem in the pauses of the speech, dB relative to the mixture there",
    "detector": "Detection of background in the speech stem, area under the ROC curve in %",
    "speaker": "Speaker from the tokens, % of windows of 1 s",
    "background": "Class of the background from the tokens, % of windows of 1 s",
    "phones": "Phones from the tokens, % of frames",
}
"""Probes and their headings, in the order of the tables."""

NOTES = {
    "words": """\
Share of the words of the text that are in the transcript of a stem, which is scaled to -26 dBFS first. Higher is
better in the speech, lower in the background. Chance: the words of another recording's text in the same
transcripts.""",
    "pauses": """\
Frames of 20 ms at least 0.1 s away from speech that is within 40 dB of its loudest frame. Lower is better; 0 is the
noisy input.""",
    "detector": """\
Logistic regression on the mean and the standard deviation of log-mel bands over 1 s separates the speech stems of
mixtures from those of clean speech by the same system; tested on a speaker that it was not trained on. 50 is the
best: no trace of the background.""",
    "speaker": """\
Logistic regression on the mean and the standard deviation of the code vectors; tested on segments that it was not
trained on, at all conditions with speech; means and intervals over segments. Chance: always the most frequent
speaker.""",
    "background": """\
As before, for the backgrounds at all SNRs and alone, tested on segments that it was not trained on. Chance: always
the most frequent class.""",
    "phones": """\
Logistic regression on single frames, tested on sentences that it was not trained on. Chance: always the most
frequent phone.""",
}

INTERVALS = f"""\
Means over recordings, with {INTERVAL_NOTE} and
chance in parentheses; "-" where a result is undefined."""


@dataclass(frozen=True)
class ProbeResult:
    """The mean of one probe.

    Attributes:
        probe: of `TITLES`.
        system: whose stems; for tokens, the stream that they are of.
        part: stem, or level or levels of tokens.
        condition: SNR, clean or background; another word where recordings of all conditions are pooled.
        interval: in the unit of the title.
        chance: what a guess reaches, in the same unit; NaN where the title gives it.
    """

    probe: str
    system: str
    part: str
    condition: str
    interval: Interval
    chance: float = math.nan


def write_results(path: str | Path, results: Sequence[ProbeResult]) -> None:
    """Write probes.csv: one line per result."""
    columns = ["probe", "system", "part", "condition", "mean", "low", "high", "count", "chance"]
    write_csv(path, columns, (vars(result) | asdict(result.interval) for result in results))


def markdown(results: Sequence[ProbeResult], head: Mapping[str, str], skipped: Sequence[str]) -> str:
    """The head, what was skipped, and one table for each probe: systems or levels down, conditions across."""
    text = ["# Probes", "", *bullet_list(head, skipped), "", INTERVALS]
    for probe, title in TITLES.items():
        rows: dict[tuple[str, str], dict[str, ProbeResult]] = {}
        for result in results:
            if result.probe == probe:
                rows.setdefault((result.system, result.part), {})[result.condition] = result
        conditions = sorted({c for cells in rows.values() for c in cells}, key=condition_order)
        if rows:
            headings = ["system", "part", *map(condition_heading, conditions)]
            body = [[*key, *(_format(cells.get(c)) for c in conditions)] for key, cells in rows.items()]
            text += ["", f"## {title}", "", NOTES[probe], "", *markdown_table(headings, body, 2)]
    return "\n".join(text) + "\n"


def _format(result: ProbeResult | None) -> str:
    """The mean with its interval and chance."""
    if result is None or not result.interval.count:
        return "-"
    chance = "" if math.isnan(result.chance) else f" ({result.chance:.1f})"
    return format_interval(result.interval, 1) + chance
