"""The scores of a benchmark as scores.csv, summary.csv and summary.md."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from espnet2_decodec.data.mixtures import condition_order, parse_snr
from espnet2_decodec.evaluation.metrics.bootstrap import Interval, bootstrap_interval
from espnet2_decodec.evaluation.metrics.info import METRICS
from espnet2_decodec.evaluation.systems.base import TARGETS
from espnet2_decodec.evaluation.tables import (
    INTERVAL_NOTE,
    Row,
    bullet_list,
    condition_heading,
    condition_title,
    format_interval,
    markdown_table,
    write_csv,
)

COLUMNS = ("system", "kbps", "condition", "seen", "uttid", "speaker", "target")
"""Columns of scores.csv before those of the metrics."""

NOTES = f"""\
Means over recordings, with {INTERVAL_NOTE}; "-" where a metric is undefined for all. kbit/s: of the codes that the
target is decoded from; empty where nothing is coded. The delay of each system is compensated for. The background of
a denoiser, and of a residual, is the mixture less its speech; a codec that does not separate estimates every target
by the decoded mixture. Ceiling: the clean stem alone, coded and decoded from both streams. Remix: the speech over
the background of the next recording of the same condition. SI-SDRi: improvement over the noisy input. Level: of the
estimate relative to the mixture; where the reference is silent, lower is better. Lower is better for the mel
distance, higher for the other metrics. DNSMOS, PESQ and STOI are computed for speech only. Conditions
that are SNRs have the same speech and background segments, those that are kinds of background have different ones."""

SEEN = {"yes": "seen", "no": "unseen"}
"""Entries of utt2seen in words."""

METRICS_BY_SEEN = ("si_sdr", "pesq", "stoi")
"""Metrics with separate tables for seen and unseen backgrounds; scores.csv has the distinction for all."""

SEEN_NOTES = """\
The tables above are over all backgrounds; those below separate seen ones, whose source is in the training data of
our codec, from unseen ones. A system that was trained on neither shows how much harder the one kind is by itself."""


@dataclass(frozen=True)
class SummaryLine:
    """The mean of one metric of one system, condition and target."""

    system: str
    kbps: float | None
    condition: str
    target: str
    metric: str
    interval: Interval


def summarize(rows: Sequence[Row]) -> list[SummaryLine]:
    """The mean of each metric by system, condition and target, in the order of the systems."""
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault((row["system"], row["kbps"], row["condition"], row["target"]), []).append(row)
    order = {system: i for i, system in enumerate(dict.fromkeys(row["system"] for row in rows))}
    keys = sorted(groups, key=lambda key: (order[key[0]], condition_order(key[2]), TARGETS.index(key[3])))
    return [
        SummaryLine(system, kbps, condition, target, name, bootstrap_interval([row[name] for row in groups[key]]))
        for key in keys
        for system, kbps, condition, target in [key]
        for name in METRICS
        if name in groups[key][0]
    ]


def write_scores(path: str | Path, rows: Sequence[Row]) -> None:
    """Write scores.csv: one line per system, recording and target."""
    write_csv(path, [*COLUMNS, *(name for name in METRICS if any(name in row for row in rows))], rows)


def write_summary(path: str | Path, lines: Sequence[SummaryLine]) -> None:
    """Write summary.csv: one line per system, condition, target and metric."""
    columns = ["system", "kbps", "condition", "target", "metric", "mean", "low", "high", "count"]
    write_csv(path, columns, (vars(line) | asdict(line.interval) for line in lines))


def as_json(lines: Sequence[SummaryLine]) -> list[dict[str, Any]]:
    """The content of summary.csv for JSON: one dict per line, None where a number is undefined."""
    entries = (vars(line) | asdict(line.interval) for line in lines)
    return [
        {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in entry.items()
            if name != "interval"
        }
        for entry in entries
    ]


def markdown(rows: Sequence[Row], lines: Sequence[SummaryLine], head: Mapping[str, str], skipped: Sequence[str]) -> str:
    """The content of summary.md: the head, then one table per target and metric, systems down, conditions across."""
    conditions = sorted({line.condition for line in lines}, key=condition_order)
    text = ["# Evaluation", "", *bullet_list(head, skipped), "", NOTES]
    counts = ((c, len({row["uttid"] for row in rows if row["condition"] == c})) for c in conditions)
    text += ["", "Recordings: " + ", ".join(f"{condition_title(c)} {count}" for c, count in counts) + "."]
    kinds = ((words, len({row["uttid"] for row in rows if row["seen"] == kind})) for kind, words in SEEN.items())
    if any(row["seen"] for row in rows):
        text += ["Backgrounds: " + ", ".join(f"{words} in training {count}" for words, count in kinds) + "."]
    headings = ["system", "kbit/s", *map(condition_heading, conditions)]
    for target in TARGETS:
        for name, info in METRICS.items():
            systems: dict[tuple, dict[str, Interval]] = {}
            for line in lines:
                if (line.target, line.metric) == (target, name) and line.interval.count:
                    systems.setdefault((line.system, line.kbps), {})[line.condition] = line.interval
            body = [
                [system, _format_rate(kbps), *(format_interval(cells.get(c), info.digits) for c in conditions)]
                for (system, kbps), cells in systems.items()
            ]
            if body:
                text += ["", f"## {target.capitalize()}: {info.heading}", "", *markdown_table(headings, body)]
    return "\n".join(text + _tables_by_seen(rows)) + "\n"


def _tables_by_seen(rows: Sequence[Row]) -> list[str]:
    """Tables with seen and unseen backgrounds on neighboring lines; nothing where there is one kind only."""
    known = [row for row in rows if row["seen"] in SEEN and parse_snr(row["condition"]) is not None]
    if {row["seen"] for row in known} != SEEN.keys():
        return []
    conditions = sorted({row["condition"] for row in known}, key=condition_order)
    headings = ["system", "background", "kbit/s", *map(condition_heading, conditions)]
    text = []
    for target in ("speech", "background"):
        for name in METRICS_BY_SEEN:
            scores: dict[tuple, dict[str, list[float]]] = {}
            for row in known:
                if row["target"] == target and not math.isnan(row.get(name, math.nan)):
                    for kind in SEEN:  # so that they come in pairs
                        scores.setdefault((row["system"], row["kbps"], kind), {})
                    scores[row["system"], row["kbps"], row["seen"]].setdefault(row["condition"], []).append(row[name])
            info = METRICS[name]
            body = []
            for (system, kbps, kind), cells in scores.items():
                intervals = (bootstrap_interval(cells.get(c, [])) for c in conditions)
                body.append(
                    [system, SEEN[kind], _format_rate(kbps), *(format_interval(x, info.digits) for x in intervals)]
                )
            if body:
                title = f"## {target.capitalize()}, seen and unseen backgrounds: {info.heading}"
                text += ["", title, "", *markdown_table(headings, body, 2)]
    return ["", SEEN_NOTES, *text]


def _format_rate(kbps: float | None) -> str:
    """A bit rate in kbit/s; empty where nothing is coded."""
    return "" if kbps is None else f"{kbps:g}"
