"""The results of `decodec evaluate` as the metrics of a model card."""

from pathlib import Path

from espnet2_decodec.codec.card import CardMetric
from espnet2_decodec.evaluation.metrics.info import metric_info
from espnet2_decodec.evaluation.report.results import read_results
from espnet2_decodec.evaluation.tables import condition_title

MEASURED = ("command", "commit", "date", "data", "software")
"""Lines of summary.md that a card repeats."""


def card_metrics(folder: str | Path) -> tuple[list[CardMetric], dict[str, str]]:
    """Return the mean scores in a benchmark folder, and how they were measured.

    Raises:
        ValueError: if the folder is not one of `decodec evaluate`.
    """
    results = read_results(folder)
    metrics = []
    for metric in results.metrics:
        info = metric_info(metric)
        for (system, condition, target), means in results.means.items():
            if metric not in means:
                continue
            rate, title = results.kbps.get((system, condition, target)), condition_title(condition)
            mean = means[metric]
            metrics.append(CardMetric(info.heading, system, target, title, rate, mean.mean, info.digits, mean.count))
    return metrics, {key: (results.metadata or {})[key] for key in MEASURED if key in (results.metadata or {})}
