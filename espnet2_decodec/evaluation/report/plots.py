"""Rate-distortion plots as SVG: kbit/s across, one metric up, one line for each family of systems."""

import math
import re

from espnet2_decodec.evaluation.report.axes import spread, ticks
from espnet2_decodec.evaluation.report.comparison import Comparison, Figure
from espnet2_decodec.evaluation.report.markup import Markup, element, join
from espnet2_decodec.evaluation.report.measures import (
    PLOTTED,
    better,
    condition_title,
    measure,
    number,
    target_title,
)

WIDTH, HEIGHT = 400, 270
LEFT, RIGHT, TOP, BOTTOM = 46, 288, 34, 228
"""Edges of the field; the names of the lines stand right of it."""
GAP = 14
"""Between two names."""
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "12 4")
SHAPES = (
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
    "M-3.5-3.5H3.5V3.5H-3.5Z",
    "M0-4.5L4.5 3.5H-4.5Z",
    "M0-5L5 0L0 5L-5 0Z",
    "M-4-4L4 4M-4 4L4-4",
    "M0-5V5M-5 0H5",
    "M0 4.5L4.5-3.5H-4.5Z",
)
"""Marks of the families, told apart without colour."""
COLORS = 8

Point = tuple[float, Figure]
"""kbit/s and what is reached at it."""

_TAIL = re.compile(
    r"(?:[\s_@:,(+-]+(?:(?:levels?|speech|background|[sbk])?\d+(?:\.\d+)?|kbps|kbit/s|levels?))+[\s)]*$",
    re.IGNORECASE,
)


def family(system: str) -> str:
    """The name without the levels or rates at its end: systems of one family are joined by a line."""
    return _TAIL.sub("", system) or system


def plots(data: Comparison, target: str, condition: str) -> Markup | None:
    """The plots of one target in one condition with their legend; None if no two systems have a rate."""
    families = families_of(data)
    drawn, shown = [], {}
    for metric in (m for m in PLOTTED if m in data.metrics):
        lines = _lines(data, target, condition, metric)
        if sum(map(len, lines.values())) > 1:
            drawn.append(_plot(lines, families, target, condition, metric))
            shown |= lines
    if not drawn:
        return None
    items = [element("li", _sample(families.index(name)), " ", name) for name in families if name in shown]
    legend = element("ul", *items, class_="legend", aria_label="Lines of the plots")
    return element("div", legend, element("div", *drawn, class_="plots"))


def families_of(data: Comparison) -> list[str]:
    """Families that have a rate anywhere, in the order of the systems: each looks the same on the whole page."""
    rated = {system for system, _, _ in data.kbps}
    return list(dict.fromkeys(family(system) for system in data.systems if system in rated))


def without_rate(data: Comparison, target: str) -> list[str]:
    """Systems with figures for this target and no rate, which no plot can show."""
    rated = {system for system, _, t in data.kbps if t == target}
    here = {system for (system, _, t), values in data.figures.items() if t == target and values}
    return [system for system in data.systems if system in here - rated]


def _lines(data: Comparison, target: str, condition: str, metric: str) -> dict[str, list[Point]]:
    """Family -> its points by rate."""
    lines: dict[str, list[Point]] = {}
    for system in data.systems:
        key = system, condition, target
        if key in data.kbps and metric in data.figures.get(key, {}):
            lines.setdefault(family(system), []).append((data.kbps[key], data.figures[key][metric]))
    return {name: sorted(points, key=lambda p: (p[0], p[1].mean)) for name, points in lines.items()}


def _plot(lines: dict[str, list[Point]], families: list[str], target: str, condition: str, metric: str) -> Markup:
    """One picture."""
    figures = [figure for points in lines.values() for _, figure in points]
    ends = [end for f in figures for end in (f.mean, f.low, f.high) if not math.isnan(end)]
    rates, values = (
        ticks(0, max(rate for points in lines.values() for rate, _ in points)),
        ticks(min(ends), max(ends), 4),
    )

    def across(rate: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * rate / rates[-1], 1)

    def up(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - values[0]) / (values[-1] - values[0]), 1)

    direction = better(metric, target, condition)
    heading = measure(metric).heading + (f", {direction} is better" if direction else "")
    parts = [element("text", heading, x=2, y=16, class_="heading")]
    for value in values:
        parts.append(element("path", d=f"M{LEFT} {up(value)}H{RIGHT}", class_="grid"))
        parts.append(element("text", _tick(value), x=LEFT - 6, y=up(value) + 4, text_anchor="end"))
    for rate in rates:
        parts.append(element("path", d=f"M{across(rate)} {BOTTOM}v4", class_="axis"))
        parts.append(element("text", _tick(rate), x=across(rate), y=BOTTOM + 18, text_anchor="middle"))
    parts.append(element("path", d=f"M{LEFT} {BOTTOM}H{RIGHT}", class_="axis"))
    parts.append(element("text", "kbit/s", x=(LEFT + RIGHT) / 2, y=HEIGHT - 4, text_anchor="middle"))
    places = [up(points[-1][1].mean) for points in lines.values()]
    for (name, points), place, at in zip(lines.items(), places, spread(places, GAP, TOP, BOTTOM)):
        marks = [(across(rate), up(f.mean), f) for rate, f in points]
        parts.append(_line(marks, families.index(name), metric, name, points, up))
        x = marks[-1][0]
        leader = element("path", d=f"M{x + 6} {place}L{RIGHT + 8} {at:.1f}", class_="leader")
        parts += [leader, element("text", _short(name), x=RIGHT + 11, y=round(at + 4, 1))]
    label = (
        f"{target_title(target)}, {condition_title(condition)}: {heading}, over kbit/s. The figures are in the table."
    )
    return element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)


def _line(marks, index: int, metric: str, name: str, points: list[Point], up) -> Markup:
    """Intervals, line and marks of one family."""
    bars = [
        element("path", d=f"M{x} {up(f.low)}V{up(f.high)}", class_="bar")
        for x, _, f in marks
        if not (math.isnan(f.low) or math.isnan(f.high))
    ]
    course = "L".join(f"{x} {y}" for x, y, _ in marks)
    line = element("path", d=f"M{course}", class_="line", stroke_dasharray=DASHES[index % len(DASHES)] or None)
    shapes = [
        element(
            "path",
            element("title", f"{name}, {_tick(rate)} kbit/s: {number(metric, f.mean)}"),
            d=SHAPES[index % len(SHAPES)],
            transform=f"translate({x} {y})",
            class_="mark",
        )
        for (x, y, f), (rate, _) in zip(marks, points)
    ]
    return element("g", *bars, line, *shapes, class_=f"c{index % COLORS}")


def _sample(index: int) -> Markup:
    """Line and mark of a family for the legend."""
    line = element("path", d="M0 7H34", class_="line", stroke_dasharray=DASHES[index % len(DASHES)] or None)
    mark = element("path", d=SHAPES[index % len(SHAPES)], transform="translate(17 7)", class_="mark")
    drawing = element("g", join([line, mark]), class_=f"c{index % COLORS}")
    return element("svg", drawing, viewBox="0 0 34 14", width=34, height=14, aria_hidden="true")


def _tick(value: float) -> str:
    """A round number with a true minus sign."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _short(name: str) -> str:
    """A name that fits beside the field; the legend has all of it."""
    return name if len(name) <= 15 else name[:14] + "\N{HORIZONTAL ELLIPSIS}"
