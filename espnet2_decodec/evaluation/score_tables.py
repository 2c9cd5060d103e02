"""Rows of scores as a CSV file and as Markdown tables."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.mixtures import ALONE, CLEAN, snr_of

COLUMNS = {
    "si_sdr": "SI-SDR dB",
    "si_sdri": "SI-SDRi dB",
    "sdr": "SDR dB",
    "mel": "mel distance",
    "pesq": "PESQ",
    "stoi": "STOI",
    "level": "level dB",
}
"""Metrics and their headings, in the order of the tables."""

DIGITS = {"stoi": 3, "mel": 2, "pesq": 2}
"""Decimals, one for those not named here."""

NOTES = """\
Means over the recordings for which a figure is defined; "-" where it is defined for none. SI-SDRi: improvement over the
untouched mixture. The level is that of the answer relative to the mixture: where the reference is silent (the background
of clean speech, the speech where background is alone) it tells what is left, and less is better. Lower is better for the
mel distance, higher for all others. Ceiling: the clean stem alone through the codec, decoded from both streams.
The same speech and background segments are used at every SNR."""


def write_csv(path: str | Path, rows: Sequence[Mapping[str, str | float]]) -> None:
    """One line per answer and recording; an undefined figure is an empty field."""
    names = ["uttid", "condition", "speaker", "target", "answer"]
    names += [name for name in COLUMNS if any(name in row for row in rows)]
    with atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_field(row.get(name, "")) for name in names] for row in rows)


def report(rows: Sequence[Mapping[str, str | float]], head: Mapping[str, str]) -> str:
    """Markdown: the head, SI-SDR and its improvement over all conditions, then a table with all metrics per condition."""
    conditions = sorted({str(row["condition"]) for row in rows}, key=_order)
    means = _means(rows)
    lines = ["# Scores", "", *(f"- {key}: {value}" for key, value in head.items()), "", NOTES, ""]
    for name in ("si_sdr", "si_sdri", "sdr"):
        if any(name in values for values in means.values()):
            lines += ["", f"## {COLUMNS[name]} by condition", "", *_by_condition(means, conditions, name)]
    for condition in conditions:
        count = len({row["uttid"] for row in rows if row["condition"] == condition})
        lines += ["", f"## {title(condition)}: {count} recordings", "", *_by_metric(means, condition)]
    return "\n".join(lines) + "\n"


def title(condition: str) -> str:
    """A condition in words."""
    return {CLEAN: "Clean speech", ALONE: "Background alone"}.get(condition, f"SNR {condition} dB")


def table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table, all columns but those of text aligned right; the first two are text."""
    rule = [":--" if i < 2 else "--:" for i in range(len(headings))]
    return [f"| {' | '.join(cells)} |" for cells in (headings, rule, *lines)]


def _by_condition(means: dict, conditions: list[str], name: str) -> list[str]:
    """Answers down, conditions across, one metric; answers for which it is never defined are left out."""
    lines = []
    for target, answer in dict.fromkeys((target, answer) for target, answer, _ in means):
        cells = [means.get((target, answer, c), {}).get(name, math.nan) for c in conditions]
        if not all(map(math.isnan, cells)):
            lines.append([target, answer, *(_number(name, cell) for cell in cells)])
    return table(["target", "answer", *(c if snr_of(c) is None else f"{c} dB" for c in conditions)], lines)


def _by_metric(means: dict, condition: str) -> list[str]:
    """Answers down, metrics across, one condition."""
    here = {(target, answer): values for (target, answer, c), values in means.items() if c == condition}
    names = [name for name in COLUMNS if any(name in values for values in here.values())]
    lines = [[*key, *(_number(name, values.get(name, math.nan)) for name in names)] for key, values in here.items()]
    return table(["target", "answer", *(COLUMNS[name] for name in names)], lines)


def _means(rows: Sequence[Mapping[str, str | float]]) -> dict[tuple[str, str, str], dict[str, float]]:
    """(target, answer, condition) -> metric -> mean of what is defined, NaN where nothing is."""
    collected: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for row in rows:
        cell = collected.setdefault((row["target"], row["answer"], row["condition"]), {})
        for name in COLUMNS.keys() & row.keys():
            cell.setdefault(name, []).extend([] if math.isnan(row[name]) else [row[name]])
    return {
        key: {name: sum(values) / len(values) if values else math.nan for name, values in cell.items()}
        for key, cell in collected.items()
    }


def _order(condition: str) -> tuple[int, float]:
    """SNRs from low to high, then clean speech, then background alone."""
    snr = snr_of(condition)
    return (0, snr) if snr is not None else (1 if condition == CLEAN else 2, 0.0)


def _number(name: str, value: float) -> str:
    """A figure for people."""
    return "-" if math.isnan(value) else f"{value:.{DIGITS.get(name, 1)}f}"


def _field(value: str | float) -> str:
    """A figure for programs."""
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{value:.4f}"
