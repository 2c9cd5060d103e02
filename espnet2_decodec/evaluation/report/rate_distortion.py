"""Rate-distortion plots: metrics over kbit/s, with one line for each family of systems."""

import math
import re
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from espnet2_decodec.evaluation.metrics.info import metric_info
from espnet2_decodec.evaluation.report.labels import PLOTTED, direction
from espnet2_decodec.evaluation.report.results import BenchmarkResults, MeanScore

MARKERS = "osD^vXP*"
STYLES = ("-", "--", ":", "-.")
COLORS = ("#2a7fcf", "#d9641c", "#159a6c", "#b65bc0", "#b08a10", "#e0476b", "#2f8f9d", "#808891")
"""Readable on white and on black."""
FOREGROUND = "#010203"
"""Color of text and axes while drawing; replaced by the text color of the page's light or dark theme."""
THEME = b"<style>svg{color:#1c1f24}@media(prefers-color-scheme:dark){svg{color:#e6e8eb}}</style>"
"""The text colors of page.css."""
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "decodec",
    **dict.fromkeys(
        ("text.color", "xtick.color", "ytick.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor"), FOREGROUND
    ),
}

_RATE_SUFFIX = re.compile(
    r"(?:[\s_@:,(+-]+(?:(?:levels?|speech|background|[sbk])?\d+(?:\.\d+)?|kbps|kbit/s|levels?))+[\s)]*$",
    re.IGNORECASE,
)


def family(system: str) -> str:
    """The name without the levels or rates at its end; systems of one family are joined by a line."""
    return _RATE_SUFFIX.sub("", system) or system


def families(results: BenchmarkResults) -> list[str]:
    """Families with a bit rate in any condition, in the order of the systems."""
    with_rate = {system for system, _, _ in results.kbps}
    return list(dict.fromkeys(family(system) for system in results.systems if system in with_rate))


def systems_without_rate(results: BenchmarkResults, target: str) -> list[str]:
    """Systems that have scores for a target but no bit rate, and so appear in no plot."""
    with_rate = {system for system, _, t in results.kbps if t == target}
    with_scores = {system for (system, _, t), values in results.means.items() if t == target and values}
    return [system for system in results.systems if system in with_scores - with_rate]


def curves(
    results: BenchmarkResults, target: str, condition: str, metric: str
) -> dict[str, list[tuple[float, MeanScore]]]:
    """Family -> its (kbit/s, mean score), sorted by rate."""
    points: dict[str, list[tuple[float, MeanScore]]] = {}
    for system in results.systems:
        key = system, condition, target
        if key in results.kbps and metric in results.means.get(key, {}):
            points.setdefault(family(system), []).append((results.kbps[key], results.means[key][metric]))
    return {name: sorted(found, key=lambda point: (point[0], point[1].mean)) for name, found in points.items()}


def plot(results: BenchmarkResults, target: str, condition: str) -> Figure | None:
    """One row of plots, one for each metric, with a legend; None if fewer than two systems have a rate."""
    found = {metric: curves(results, target, condition, metric) for metric in PLOTTED if metric in results.metrics}
    found = {metric: lines for metric, lines in found.items() if sum(map(len, lines.values())) > 1}
    if not found:
        return None
    names = families(results)
    ordered = [name for name in names if any(name in lines for lines in found.values())]
    columns = max(1, min(len(ordered), 36 * len(found) // (8 + max(map(len, ordered)))))
    width, legend_height = 3.0 * len(found), 0.2 * math.ceil(len(ordered) / columns)
    height = 2.8 + legend_height
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(
        left=0.5 / width,
        right=1 - 0.2 / width,
        bottom=(0.55 + legend_height) / height,
        top=1 - 0.4 / height,
        wspace=0.25,
    )
    handles = {}
    for axes, (metric, lines) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items()):
        for name, points in lines.items():
            handles[name] = _draw(axes, points, names.index(name))
        better = direction(metric, target, condition)
        title = metric_info(metric).heading + (f"\n{better} is better" if better else "")
        axes.set_title(title, fontsize="medium")
        axes.set_xlabel("kbit/s")
        axes.set_xlim(left=0)
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend([handles[name] for name in ordered], ordered, loc="lower center", ncols=columns, frameon=False)
    return figure


def _draw(axes: Axes, points: list[tuple[float, MeanScore]], index: int):
    """One family with its confidence intervals; the artist for the legend."""
    rates, scores = zip(*points)
    errors = [[max(0.0, s.mean - s.low) for s in scores], [max(0.0, s.high - s.mean) for s in scores]]
    return axes.errorbar(
        rates,
        [s.mean for s in scores],
        errors,
        color=COLORS[index % len(COLORS)],
        marker=MARKERS[index % len(MARKERS)],
        linestyle=STYLES[index % len(STYLES)],
        markersize=5,
        elinewidth=1,
    )


def plot_svg(results: BenchmarkResults, target: str, condition: str) -> bytes | None:
    """`plot` as SVG whose text and axes follow the light or dark theme; the same results give the same bytes."""
    with matplotlib.rc_context(STYLE):
        figure = plot(results, target, condition)
        if figure is None:
            return None
        file = BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue().replace(FOREGROUND.encode(), b"currentColor")
    start = svg.index(b">", svg.index(b"<svg")) + 1
    return svg[:start] + THEME + svg[start:]
