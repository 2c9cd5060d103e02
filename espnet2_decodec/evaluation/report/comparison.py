"""A comparison folder as `decodec evaluate` writes it: figures, scores of each recording, and kept recordings."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.data.mixtures import condition_order
from espnet2_decodec.evaluation.report.measures import MEASURES, TARGETS, ordered
from espnet2_decodec.evaluation.report.recordings import Recording, find_recordings

ROW_COLUMNS = ("system", "kbps", "condition", "seen", "uttid", "speaker", "target")
SUMMARY_COLUMNS = ("system", "kbps", "condition", "target", "metric", "mean", "low", "high", "count")


@dataclass(frozen=True)
class Figure:
    """A mean over `count` recordings with its 95 % interval; NaN where that is not known."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Comparison:
    """All that is in a comparison folder.

    Attributes:
        head: command, commit, date, machine and the like; None if summary.md is not there.
        systems, conditions, targets, metrics: names in the order of the page.
        figures: (system, condition, target) -> metric -> its mean; undefined means are not in it.
        kbps: (system, condition, target) -> kbit/s; only of those that have a rate.
        counts: (condition, target) -> recordings.
        scores: (system, uttid, target) -> metric -> the figure of one recording, where it is defined.
        recordings: those that can be listened to.
        strange: systems and recordings that are among the sounds and not in scores.csv, perhaps from an earlier comparison.
    """

    head: dict[str, str] | None
    systems: list[str]
    conditions: list[str]
    targets: list[str]
    metrics: list[str]
    figures: dict[tuple[str, str, str], dict[str, Figure]]
    kbps: dict[tuple[str, str, str], float]
    counts: dict[tuple[str, str], int]
    scores: dict[tuple[str, str, str], dict[str, float]]
    recordings: list[Recording]
    strange: list[str]

    @property
    def empty_metrics(self) -> list[str]:
        """Metrics that are defined nowhere."""
        defined = {metric for values in self.figures.values() for metric in values}
        return [metric for metric in self.metrics if metric not in defined]


def read_comparison(folder: str | Path) -> Comparison:
    """Read a comparison folder.

    Raises:
        ValueError: if it is not there, scores.csv or summary.csv is missing or empty, lacks a column, or holds
            a word where a number must stand.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the one that `decodec evaluate` wrote.")
    rows = list(_table(folder / "scores.csv", ROW_COLUMNS))
    metrics = [name for name in rows[0][1] if name not in ROW_COLUMNS]
    figures: dict[tuple[str, str, str], dict[str, Figure]] = {}
    kbps: dict[tuple[str, str, str], float] = {}
    for place, line in _table(folder / "summary.csv", SUMMARY_COLUMNS):
        key = line["system"], line["condition"], line["target"]
        mean, low, high, rate, count = (_number(place, line, n) for n in ("mean", "low", "high", "kbps", "count"))
        cell = figures.setdefault(key, {})
        if not math.isnan(mean):
            cell[line["metric"]] = Figure(mean, low, high, 0 if math.isnan(count) else int(count))
        if not math.isnan(rate):
            kbps[key] = rate
        metrics.append(line["metric"])
    heard: dict[tuple[str, str], set[str]] = {}
    scores = {}
    for place, row in rows:
        heard.setdefault((row["condition"], row["target"]), set()).add(row["uttid"])
        values = {name: _number(place, row, name) for name in row if name not in ROW_COLUMNS}
        known = {name: value for name, value in values.items() if not math.isnan(value)}
        scores[row["system"], row["uttid"], row["target"]] = known
    systems = list(dict.fromkeys([row["system"] for _, row in rows] + [system for system, _, _ in figures]))
    recordings, strange = find_recordings(folder / "wav", [row for _, row in rows], systems)
    return Comparison(
        head=_head(folder / "summary.md"),
        systems=systems,
        conditions=sorted({c for _, c, _ in figures} | {c for c, _ in heard}, key=condition_order),
        targets=ordered([t for _, _, t in figures] + [t for _, t in heard], TARGETS),
        metrics=ordered(metrics, MEASURES),
        figures=figures,
        kbps=kbps,
        counts={key: len(found) for key, found in heard.items()},
        scores=scores,
        recordings=recordings,
        strange=strange,
    )


def _table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """(where it stands, column -> field) of each line of a CSV file, of which there is at least one."""
    if not path.is_file():
        raise ValueError(f"{path} is not there; give the folder that `decodec evaluate` wrote.")
    try:
        with open(path, newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no CSV file in UTF-8: {error}.") from None
    if len(lines) < 2:
        raise ValueError(f"{path} holds no scores.")
    names = lines[0]
    missing = [name for name in columns if name not in names]
    if missing:
        raise ValueError(f"{path} lacks the column {', '.join(missing)}; it has {', '.join(names)}.")
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(names):
            raise ValueError(f"{path}, line {number}: {len(line)} fields for {len(names)} columns.")
        yield f"{path}, line {number}", dict(zip(names, line))


def _number(place: str, line: dict[str, str], name: str) -> float:
    """A field as a number; NaN if it is empty or not finite."""
    text = line[name].strip()
    try:
        value = float(text) if text else math.nan
    except ValueError:
        raise ValueError(f"{place}: {name} is {text!r}, which is no number.") from None
    return value if math.isfinite(value) else math.nan


def _head(path: Path) -> dict[str, str] | None:
    """The lines `- key: value` that stand before the first section of a Markdown file; None without the file."""
    if not path.is_file():
        return None
    head = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(("## ", "|")):
            break
        key, colon, value = line.removeprefix("- ").partition(": ")
        if line.startswith("- ") and colon and value.strip():
            head[key.strip()] = value.strip()
    return head
