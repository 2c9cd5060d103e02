"""A comparison as rows.csv, summary.csv and summary.md."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.mixtures import condition_order, snr_of
from espnet2_decodec.evaluation.compare import Row
from espnet2_decodec.evaluation.metrics.bootstrap import RESAMPLES, SEED, Interval, interval
from espnet2_decodec.evaluation.score_tables import COLUMNS, DIGITS, table, title
from espnet2_decodec.evaluation.systems.base import TARGETS

HEADINGS = {name: COLUMNS[name] for name in ("si_sdr", "si_sdri", "sdr", "mel", "pesq", "stoi")}
HEADINGS |= {"dnsmos_sig": "DNSMOS speech", "dnsmos_bak": "DNSMOS background", "dnsmos_ovrl": "DNSMOS overall"}
HEADINGS |= {"level": COLUMNS["level"]}
"""Metrics and their headings, in the order of the columns."""

ABOUT = ("system", "kbps", "condition", "seen", "uttid", "speaker", "target")

NOTES = f"""\
Means over recordings, with 95 % intervals in brackets (percentile bootstrap over recordings, {RESAMPLES} resamples, seed {SEED});
"-" where a figure is undefined for all. kbit/s: of what the target is decoded from; none where nothing is coded. Each
system's own delay is taken off before. A denoiser's background is the mixture less its speech; a codec that does not separate
answers with the decoded mixture. Level: of the answer relative to the mixture; where the reference is silent, less is better.
Lower is better for the mel distance, higher for the other metrics. DNSMOS, PESQ and STOI are taken of speech."""


SEEN = {"yes": "seen", "no": "unseen"}
"""What utt2seen says, for people."""

BY_SEEN = ("si_sdr", "pesq", "stoi")
"""Metrics of which seen and unseen backgrounds are told apart in the tables; rows.csv tells them apart for all."""

SEEN_NOTES = """\
The tables above are of all backgrounds, those below tell seen ones, whose source is among the training data of our codec, from
unseen ones. A system that was not trained on either shows how much harder the one kind is by itself."""


@dataclass(frozen=True)
class Line:
    """One line of the summary: which recordings and answers, which metric, and its mean."""

    system: str
    kbps: float | None
    condition: str
    target: str
    metric: str
    found: Interval


def summarize(rows: Sequence[Row]) -> list[Line]:
    """The mean of each metric by system, condition and target, in the order of the systems."""
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault((row["system"], row["kbps"], row["condition"], row["target"]), []).append(row)
    order = {system: i for i, system in enumerate(dict.fromkeys(row["system"] for row in rows))}
    keys = sorted(groups, key=lambda key: (order[key[0]], condition_order(key[2]), TARGETS.index(key[3])))
    return [
        Line(*key, name, interval([row[name] for row in groups[key]]))
        for key in keys
        for name in HEADINGS
        if name in groups[key][0]
    ]


def write_rows(path: str | Path, rows: Sequence[Row]) -> None:
    """One line per system, recording and target; an undefined figure is an empty field."""
    names = [*ABOUT, *(name for name in HEADINGS if any(name in row for row in rows))]
    _write(path, names, ([_field(row.get(name)) for name in names] for row in rows))


def write_summary(path: str | Path, lines: Sequence[Line]) -> None:
    """One line per system, condition, target and metric."""
    names = ["system", "kbps", "condition", "target", "metric", "mean", "low", "high", "count"]
    records = (
        [line.system, line.kbps, line.condition, line.target, line.metric, *vars(line.found).values()] for line in lines
    )
    _write(path, names, ([_field(value) for value in record] for record in records))


def markdown(rows: Sequence[Row], lines: Sequence[Line], head: Mapping[str, str], skipped: Sequence[str]) -> str:
    """The head, then for each target one table per metric: systems down, conditions across."""
    conditions = sorted({line.condition for line in lines}, key=condition_order)
    text = ["# Comparison", "", *(f"- {key}: {value}" for key, value in head.items())]
    text += [*(f"- {line}" for line in skipped), "", NOTES]
    counts = ((c, len({row["uttid"] for row in rows if row["condition"] == c})) for c in conditions)
    text += ["", "Recordings: " + ", ".join(f"{title(condition)} {count}" for condition, count in counts) + "."]
    kinds = ((words, len({row["uttid"] for row in rows if row["seen"] == kind})) for kind, words in SEEN.items())
    if any(row["seen"] for row in rows):
        text += ["Backgrounds: " + ", ".join(f"{words} in training {count}" for words, count in kinds) + "."]
    for target in TARGETS:
        here = [line for line in lines if line.target == target]
        for name in HEADINGS:
            body = _by_condition([line for line in here if line.metric == name], conditions)
            if body:
                headings = ["system", "kbit/s", *(c if snr_of(c) is None else f"{c} dB" for c in conditions)]
                text += ["", f"## {target.capitalize()}: {HEADINGS[name]}", "", *table(headings, body)]
    return "\n".join(text + _by_seen(rows)) + "\n"


def _by_condition(lines: Sequence[Line], conditions: Sequence[str]) -> list[list[str]]:
    """The lines of one target and metric as cells; systems for which it is never defined are left out."""
    systems: dict[tuple, dict[str, Line]] = {}
    for line in lines:
        if line.found.count:
            systems.setdefault((line.system, line.kbps), {})[line.condition] = line
    return [
        [system, _rate(kbps), *(_cell(cells[c].metric, cells[c].found) if c in cells else "-" for c in conditions)]
        for (system, kbps), cells in systems.items()
    ]


def _by_seen(rows: Sequence[Row]) -> list[str]:
    """Tables of seen and unseen backgrounds one below the other; nothing where there is one kind only."""
    known = [row for row in rows if row["seen"] in SEEN and snr_of(row["condition"]) is not None]
    if {row["seen"] for row in known} != SEEN.keys():
        return []
    conditions = sorted({row["condition"] for row in known}, key=condition_order)
    headings = ["system", "background", "kbit/s", *(f"{c} dB" for c in conditions)]
    text = []
    for target in ("speech", "background"):
        for name in BY_SEEN:
            scores: dict[tuple, dict[str, list[float]]] = {}
            for row in known:
                if row["target"] == target and not math.isnan(row.get(name, math.nan)):
                    for kind in SEEN:  # so that they come in pairs
                        scores.setdefault((row["system"], row["kbps"], kind), {})
                    scores[row["system"], row["kbps"], row["seen"]].setdefault(row["condition"], []).append(row[name])
            body = [
                [system, SEEN[kind], _rate(kbps), *(_cell(name, interval(cells.get(c, []))) for c in conditions)]
                for (system, kbps, kind), cells in scores.items()
            ]
            if body:
                heading = f"## {target.capitalize()}, seen and unseen backgrounds: {HEADINGS[name]}"
                text += ["", heading, "", *table(headings, body)]
    return ["", SEEN_NOTES, *text]


def _cell(metric: str, found: Interval) -> str:
    """A mean and its interval for people."""
    if not found.count:
        return "-"
    digits = 2 if metric.startswith("dnsmos") else DIGITS.get(metric, 1)
    mean, low, high = (f"{value:.{digits}f}" for value in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]"


def _rate(kbps: float | None) -> str:
    """A bit rate for people."""
    return "" if kbps is None else f"{kbps:g}"


def _field(value: object) -> str:
    """A value for programs."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return "0" if text == "-0" else text


def _write(path: str | Path, names: Sequence[str], records: Iterable[Sequence[str]]) -> None:
    """A CSV file."""
    with atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(records)
