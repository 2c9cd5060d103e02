"""Tables of mean scores: one for each target and condition, systems in rows, metrics in columns."""

import math
from dataclasses import dataclass

from espnet2_decodec.evaluation.metrics.info import HIGHER, metric_info
from espnet2_decodec.evaluation.report.labels import direction, format_value, target_title
from espnet2_decodec.evaluation.report.results import BenchmarkResults, MeanScore
from espnet2_decodec.evaluation.tables import condition_title


@dataclass(frozen=True)
class Column:
    """A column heading.

    Attributes:
        heading: its text.
        kind: `text` or `number`, which decides how it is sorted.
        better: the direction of the metric, if it has one.
        first_order: `ascending` or `descending`, on the first click.
    """

    heading: str
    kind: str
    better: str | None
    first_order: str


@dataclass(frozen=True)
class Cell:
    """A cell: exact value for sorting (empty if undefined), text, notes below it, and whether it is the best."""

    value: str
    text: str
    notes: tuple[str, ...] = ()
    is_best: bool = False


@dataclass(frozen=True)
class Table:
    """A table with the system in the first column."""

    title: str
    target: str
    columns: list[Column]
    rows: list[tuple[str, list[Cell]]]


def score_table(results: BenchmarkResults, target: str, condition: str) -> Table | None:
    """The table of one target in one condition; None if no score is defined.

    The best mean of each column is marked; systems whose name starts with "ceiling" do not compete.
    """
    rows = {
        s: results.means[s, condition, target] for s in results.systems if results.means.get((s, condition, target))
    }
    metrics = [metric for metric in results.metrics if any(metric in values for values in rows.values())]
    if not metrics:
        return None
    count = results.num_recordings.get((condition, target), 0)
    best = {metric: _best(rows, metric, direction(metric, target, condition)) for metric in metrics}
    columns = [Column("System", "text", None, "ascending"), Column("kbit/s", "number", None, "ascending")]
    for metric in metrics:
        better = direction(metric, target, condition)
        columns.append(
            Column(
                metric_info(metric).heading, "number", better, "descending" if better in (HIGHER, None) else "ascending"
            )
        )
    return Table(
        f"{target_title(target)}, {condition_title(condition)}: {count} recording{'s'[: count != 1]}",
        target,
        columns,
        [
            (
                system,
                [
                    _rate_cell(results.kbps.get((system, condition, target))),
                    *(_score_cell(m, values.get(m), system in best[m], count) for m in metrics),
                ],
            )
            for system, values in rows.items()
        ],
    )


def _rate_cell(kbps: float | None) -> Cell:
    """The cell of the bit rate."""
    return Cell("", "no rate") if kbps is None else Cell(repr(kbps), f"{kbps:.2f}".rstrip("0").rstrip("."))


def _score_cell(metric: str, score: MeanScore | None, is_best: bool, count: int) -> Cell:
    """Mean and interval, and the number of recordings where it differs from the table's."""
    if score is None:
        return Cell("", "\N{EN DASH}")
    notes = []
    if not (math.isnan(score.low) or math.isnan(score.high)):
        notes.append(f"{format_value(metric, score.low)} to {format_value(metric, score.high)}")
    if score.count not in (0, count):
        notes.append(f"n = {score.count}")
    return Cell(repr(score.mean), format_value(metric, score.mean), tuple(notes), is_best)


def _best(rows: dict[str, dict[str, MeanScore]], metric: str, better: str | None) -> set[str]:
    """The systems with the best mean, as it is printed."""
    means = {
        system: values[metric].mean
        for system, values in rows.items()
        if metric in values and not system.lower().startswith("ceiling")
    }
    if better is None or len(means) < 2:
        return set()
    best = format_value(metric, (max if better == HIGHER else min)(means.values()))
    return {system for system, mean in means.items() if format_value(metric, mean) == best}
