"""Which system of a benchmark is ahead, by paired tests on the same recordings: paired.csv and paired.md."""

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

from espnet2_decodec.atomic import write_text
from espnet2_decodec.data.mixtures import condition_order, parse_snr
from espnet2_decodec.evaluation.metrics.bootstrap import Interval, bootstrap_interval
from espnet2_decodec.evaluation.metrics.info import LOWER, METRICS
from espnet2_decodec.evaluation.metrics.paired import SIGNIFICANCE, holm, signed_rank_p
from espnet2_decodec.evaluation.systems.base import TARGETS
from espnet2_decodec.evaluation.tables import INTERVAL_NOTE, Row, condition_heading, markdown_table, write_csv

CSV_FILE, MARKDOWN_FILE = "paired.csv", "paired.md"
COLUMNS = (
    "target", "metric", "condition", "system", "other", "mean", "low", "high", "count", "p", "p_corrected", "ahead",
)  # fmt: skip
POOLED = "all"
"""Condition of the tests over all recordings, where each recording is in one condition only."""
UNDECIDED = "no difference"
WORDS = ("ahead", "behind", UNDECIDED)

NOTES = f"""\
Mean difference of the first system less the other one on the same recordings, with {INTERVAL_NOTE}. A system is ahead
where Wilcoxon's signed-rank test on these differences has p < {SIGNIFICANCE} after Holm's correction over all
comparisons of one target and metric; otherwise no difference was found, which does not mean that there is none."""


@dataclass(frozen=True)
class Comparison:
    """Two systems compared by one metric on the recordings of one condition.

    Attributes:
        target, metric, condition: what is compared; `POOLED` for all conditions.
        system, other: names of the systems.
        interval: of the mean difference, that of `system` less that of `other`.
        p: of the signed-rank test.
        p_corrected: by Holm's procedure.
    """

    target: str
    metric: str
    condition: str
    system: str
    other: str
    interval: Interval
    p: float
    p_corrected: float

    @property
    def ahead(self) -> str:
        """The better system, or `UNDECIDED`."""
        if not self.p_corrected < SIGNIFICANCE:
            return UNDECIDED
        higher = self.interval.mean > 0
        return self.system if higher != (METRICS[self.metric].better == LOWER) else self.other

    @property
    def word(self) -> str:
        """One of `WORDS`, of the first system."""
        return {self.system: WORDS[0], self.other: WORDS[1]}.get(self.ahead, UNDECIDED)

    def verdict(self) -> str:
        """The word, with the mean difference and its interval."""
        sizes = (self.interval.mean, self.interval.low, self.interval.high)
        mean, low, high = (f"{value:+.{METRICS[self.metric].digits}f}" for value in sizes)
        return f"{self.word}: {mean} [{low}, {high}]"


def compare_systems(rows: Sequence[Row], chosen: Sequence[str] = ()) -> list[Comparison]:
    """Compare systems by all metrics that have a better direction; SI-SDR only where its improvement is undefined.

    Conditions that are not SNRs have different recordings, so that they are also compared together.

    Args:
        rows: of a benchmark, see `run_benchmark`.
        chosen: systems that are compared with each other and with all others; empty for all pairs.

    Raises:
        ValueError: if there is no system of such a name.
        ImportError: if scipy is not installed.
    """
    systems = list(dict.fromkeys(row["system"] for row in rows))
    unknown = [name for name in chosen if name not in systems]
    if unknown:
        raise ValueError(f"There is no system {unknown[0]!r} to compare; there are {', '.join(systems)}.")
    order = [*dict.fromkeys(chosen), *(name for name in systems if name not in chosen)]
    pairs = [pair for pair in combinations(order, 2) if not chosen or pair[0] in chosen]
    scores: dict[tuple[str, str], dict[str, dict[str, Row]]] = {}
    for row in rows:
        for condition in (row["condition"], POOLED):
            by_system = scores.setdefault((row["target"], condition), {})
            by_system.setdefault(row["system"], {})[row["uttid"]] = row
    found: list[Comparison] = []
    for target in TARGETS:
        conditions = sorted({c for t, c in scores if t == target and c != POOLED}, key=condition_order)
        if len(conditions) > 1 and not any(_is_snr(condition) for condition in conditions):
            conditions.append(POOLED)
        for metric, info in METRICS.items():
            if info.better and not (metric == "si_sdr" and target in ("speech", "background")):
                tests = [
                    _compare(target, metric, condition, pair, scores[target, condition])
                    for condition in conditions
                    for pair in pairs
                ]
                found += _corrected([test for test in tests if test.interval.count])
    return found


def write_paired(folder: str | Path, comparisons: Sequence[Comparison]) -> None:
    """Write paired.csv, one line per comparison, and paired.md."""
    rows = (
        asdict(one) | asdict(one.interval) | {"ahead": one.ahead, "p": f"{one.p:.3g}"} | _corrected_text(one)
        for one in comparisons
    )
    write_csv(Path(folder) / CSV_FILE, COLUMNS, rows)
    write_text(Path(folder) / MARKDOWN_FILE, paired_markdown(comparisons))


def remove_paired(folder: str | Path) -> None:
    """Remove both files."""
    for name in (CSV_FILE, MARKDOWN_FILE):
        (Path(folder) / name).unlink(missing_ok=True)


def paired_markdown(comparisons: Sequence[Comparison]) -> str:
    """The content of paired.md: a summary, then one table per target and metric, pairs down, conditions across."""
    text = ["# Paired tests", "", NOTES]
    for target in TARGETS:
        for metric, info in METRICS.items():
            chosen = [one for one in comparisons if (one.target, one.metric) == (target, metric)]
            if not chosen:
                continue
            conditions = list(dict.fromkeys(one.condition for one in chosen))
            lines: dict[tuple[str, str], dict[str, str]] = {}
            for one in chosen:
                lines.setdefault((one.system, one.other), {})[one.condition] = one.verdict()
            body = [[*pair, *(cells.get(condition, "-") for condition in conditions)] for pair, cells in lines.items()]
            headings = ["system", "other", *map(condition_heading, conditions)]
            better = f"{info.better} is better"
            text += ["", f"## {target.capitalize()}: {info.heading}, {better}", "", *markdown_table(headings, body, 2)]
    return "\n".join([*text[:3], *_overview(comparisons), *text[3:]]) + "\n"


def _overview(comparisons: Sequence[Comparison]) -> list[str]:
    """One table per target: the metrics, and the conditions in which the first system of a pair is ahead or behind."""
    text = []
    for target in dict.fromkeys(one.target for one in comparisons):
        pairs: dict[tuple[str, str], dict[str, dict[str, list[str]]]] = {}
        conditions: dict[str, set[str]] = {}
        for one in comparisons:
            if one.target == target:
                words = pairs.setdefault((one.system, one.other), {word: {} for word in WORDS})
                words[one.word].setdefault(one.metric, []).append(one.condition)
                conditions.setdefault(one.metric, set()).add(one.condition)
        body = [
            [*pair, *("; ".join(_metric(n, found, conditions[n]) for n, found in words[w].items()) for w in WORDS)]
            for pair, words in pairs.items()
        ]
        headings = ["system", "other", *WORDS]
        text += ["", f"## {target.capitalize()}: overview", "", *markdown_table(headings, body, len(headings))]
    return text


def _metric(name: str, found: Sequence[str], conditions: Collection[str]) -> str:
    """A metric, and the conditions unless they are all there are."""
    where = "" if len(found) == len(conditions) else f" ({', '.join(map(condition_heading, found))})"
    return METRICS[name].name + where


def _compare(
    target: str, metric: str, condition: str, pair: tuple[str, str], scores: dict[str, dict[str, Row]]
) -> Comparison:
    """One comparison; its p-values are not corrected yet."""
    one, other = (scores.get(name, {}) for name in pair)
    differences = [one[key].get(metric, math.nan) - other[key].get(metric, math.nan) for key in one if key in other]
    interval, p = bootstrap_interval(differences), signed_rank_p(differences)
    return Comparison(target, metric, condition, *pair, interval, p, math.nan)


def _corrected(tests: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with p-values that are corrected for their number."""
    return [replace(one, p_corrected=value) for one, value in zip(tests, holm([one.p for one in tests]))]


def _corrected_text(one: Comparison) -> dict[str, str]:
    """P-values keep three significant digits: four decimals would make small ones 0."""
    return {"p_corrected": f"{one.p_corrected:.3g}"}


def _is_snr(condition: str) -> bool:
    """Whether a condition is an SNR, clean, or background, with the same segments as the others of its set."""
    try:
        parse_snr(condition)
    except ValueError:
        return False
    return True
