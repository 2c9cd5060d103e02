"""Reader of a benchmark folder as `decodec evaluate` writes it."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from espnet2_decodec.data.mixtures import condition_order
from espnet2_decodec.evaluation.metrics.info import METRICS
from espnet2_decodec.evaluation.report.labels import TARGETS, known_first
from espnet2_decodec.evaluation.report.recordings import Recording, find_recordings
from espnet2_decodec.evaluation.summary import COLUMNS as SCORE_COLUMNS

SCORES_FILE, SUMMARY_FILE, MARKDOWN_FILE = "scores.csv", "summary.csv", "summary.md"
SUMMARY_COLUMNS = ("system", "kbps", "condition", "target", "metric", "mean", "low", "high", "count")


@dataclass(frozen=True)
class MeanScore:
    """Mean over `count` recordings with its 95 % confidence interval; NaN where the interval is undefined."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class BenchmarkResults:
    """Contents of a benchmark folder.

    Attributes:
        metadata: command, commit, date, machine and the like; None if summary.md is missing.
        systems, conditions, targets, metrics: names in the order of the page.
        means: (system, condition, target) -> metric -> mean score; undefined means are left out.
        kbps: (system, condition, target) -> bit rate in kbit/s; systems without a rate are left out.
        num_recordings: (condition, target) -> number of recordings.
        scores: (system, uttid, target) -> metric -> score of one recording; undefined scores are left out.
        recordings: recordings with audio files.
        unscored: systems and recordings that have audio files but no scores.
    """

    metadata: dict[str, str] | None
    systems: list[str]
    conditions: list[str]
    targets: list[str]
    metrics: list[str]
    means: dict[tuple[str, str, str], dict[str, MeanScore]]
    kbps: dict[tuple[str, str, str], float]
    num_recordings: dict[tuple[str, str], int]
    scores: dict[tuple[str, str, str], dict[str, float]]
    recordings: list[Recording]
    unscored: list[str]

    @property
    def undefined_metrics(self) -> list[str]:
        """Metrics without any defined mean."""
        defined = {metric for values in self.means.values() for metric in values}
        return [metric for metric in self.metrics if metric not in defined]


def read_results(folder: str | Path) -> BenchmarkResults:
    """Read a benchmark folder.

    Raises:
        ValueError: if the folder or one of its tables is missing, or a table is empty, lacks a column, or holds
            text in a numeric column.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; pass the output folder of `decodec evaluate`.")
    rows = list(_read_csv(folder / SCORES_FILE, SCORE_COLUMNS))
    metrics = [name for name in rows[0][1] if name not in SCORE_COLUMNS]
    means: dict[tuple[str, str, str], dict[str, MeanScore]] = {}
    kbps: dict[tuple[str, str, str], float] = {}
    for place, row in _read_csv(folder / SUMMARY_FILE, SUMMARY_COLUMNS):
        key = row["system"], row["condition"], row["target"]
        mean, low, high, rate, count = (_parse(place, row, n) for n in ("mean", "low", "high", "kbps", "count"))
        values = means.setdefault(key, {})
        if not math.isnan(mean):
            values[row["metric"]] = MeanScore(mean, low, high, 0 if math.isnan(count) else int(count))
        if not math.isnan(rate):
            kbps[key] = rate
        metrics.append(row["metric"])
    uttids: dict[tuple[str, str], set[str]] = {}
    scores = {}
    for place, row in rows:
        uttids.setdefault((row["condition"], row["target"]), set()).add(row["uttid"])
        parsed = {name: _parse(place, row, name) for name in row if name not in SCORE_COLUMNS}
        defined = {name: value for name, value in parsed.items() if not math.isnan(value)}
        scores[row["system"], row["uttid"], row["target"]] = defined
    systems = list(dict.fromkeys([row["system"] for _, row in rows] + [system for system, _, _ in means]))
    recordings, unscored = find_recordings(folder / "wav", [row for _, row in rows], systems)
    return BenchmarkResults(
        metadata=_read_metadata(folder / MARKDOWN_FILE),
        systems=systems,
        conditions=sorted({c for _, c, _ in means} | {c for c, _ in uttids}, key=condition_order),
        targets=known_first([t for _, _, t in means] + [t for _, t in uttids], TARGETS),
        metrics=known_first(metrics, METRICS),
        means=means,
        kbps=kbps,
        num_recordings={key: len(found) for key, found in uttids.items()},
        scores=scores,
        recordings=recordings,
        unscored=unscored,
    )


def _read_csv(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (location for error messages, column -> field) for each row of a CSV file with at least one row."""
    if not path.is_file():
        raise ValueError(f"{path} does not exist; pass the output folder of `decodec evaluate`.")
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV file in UTF-8: {error}.") from None
    if len(rows) < 2:
        raise ValueError(f"{path} contains no scores.")
    names = rows[0]
    missing = [name for name in columns if name not in names]
    if missing:
        raise ValueError(f"{path} lacks the column {', '.join(missing)}; it has {', '.join(names)}.")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            raise ValueError(f"{path}, line {number}: {len(row)} fields for {len(names)} columns.")
        yield f"{path}, line {number}", dict(zip(names, row))


def _parse(place: str, row: dict[str, str], name: str) -> float:
    """A field as a number; NaN if it is empty or not finite."""
    text = row[name].strip()
    try:
        value = float(text) if text else math.nan
    except ValueError:
        raise ValueError(f"{place}: {name} is {text!r}, which is not a number.") from None
    return value if math.isfinite(value) else math.nan


def _read_metadata(path: Path) -> dict[str, str] | None:
    """The lines `- key: value` before the first section of a Markdown file; None if the file does not exist."""
    if not path.is_file():
        return None
    metadata = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(("## ", "|")):
            break
        key, colon, value = line.removeprefix("- ").partition(": ")
        if line.startswith("- ") and colon and value.strip():
            metadata[key.strip()] = value.strip()
    return metadata
