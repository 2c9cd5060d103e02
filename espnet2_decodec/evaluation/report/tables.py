"""Tables of one target in one condition: systems down, metrics across."""

import math

from espnet2_decodec.evaluation.report.comparison import Comparison, Figure
from espnet2_decodec.evaluation.report.markup import Markup, element, join
from espnet2_decodec.evaluation.report.measures import (
    HIGHER,
    better,
    condition_title,
    measure,
    number,
    target_title,
)

ARROWS = {HIGHER: "\N{UPWARDS ARROW}", "lower": "\N{DOWNWARDS ARROW}"}


def table(data: Comparison, target: str, condition: str) -> Markup | None:
    """A sortable table in a container that scrolls; None if there is nothing in it.

    The best mean of a column is marked, without those whose system is called a ceiling.
    """
    rows = {
        system: data.figures[system, condition, target]
        for system in data.systems
        if data.figures.get((system, condition, target))
    }
    metrics = [metric for metric in data.metrics if any(metric in values for values in rows.values())]
    if not metrics:
        return None
    count = data.counts.get((condition, target), 0)
    title = f"{target_title(target)}, {condition_title(condition)}: {count} recording{'s'[: count != 1]}"
    best = {metric: _best(rows, metric, better(metric, target, condition)) for metric in metrics}
    heads = [_heading("System", "text", None), _heading("kbit/s", "number", None, first="ascending")]
    heads += [_heading(measure(m).heading, "number", better(m, target, condition)) for m in metrics]
    lines = [
        element(
            "tr",
            element("th", system, scope="row", data_value=system),
            _rate(data.kbps.get((system, condition, target))),
            *(_cell(metric, values.get(metric), system in best[metric], count) for metric in metrics),
        )
        for system, values in rows.items()
    ]
    content = element(
        "table",
        element("caption", title),
        element("thead", element("tr", *heads)),
        element("tbody", *lines),
        data_target=target,
    )
    return element("div", content, class_="scroll", tabindex=0, role="region", aria_label=f"Table: {title}")


def _heading(text: str, kind: str, direction: str | None, first: str | None = None) -> Markup:
    """A column's heading with the button that sorts by it, best first."""
    arrow = direction and join(
        [
            element("span", f" {ARROWS[direction]}", aria_hidden="true"),
            element("span", f", {direction} is better", class_="unseen"),
        ]
    )
    order = first or ("descending" if direction == HIGHER or (kind == "number" and not direction) else "ascending")
    button = element("button", text, arrow, type="button", data_kind=kind, data_first=order)
    return element("th", button, scope="col", aria_sort="none")


def _rate(kbps: float | None) -> Markup:
    """The cell of the rate; empty without one."""
    if kbps is None:
        return element("td", element("span", "no rate", class_="faint"), data_value="")
    return element("td", f"{kbps:.2f}".rstrip("0").rstrip("."), data_value=repr(kbps))


def _cell(metric: str, figure: Figure | None, best: bool, count: int) -> Markup:
    """Mean and interval; the number of recordings where it is another one than the table's."""
    if figure is None:
        return element("td", element("span", "\N{EN DASH}", class_="faint"), data_value="")
    mean = element("b" if best else "span", number(metric, figure.mean), class_="mean")
    star = best and join(
        [element("span", "\N{BLACK STAR} ", aria_hidden="true"), element("span", "best ", class_="unseen")]
    )
    interval = None
    if not (math.isnan(figure.low) or math.isnan(figure.high)):
        interval = f"{number(metric, figure.low)} to {number(metric, figure.high)}"
    others = f"of {figure.count}" if figure.count not in (0, count) else None
    notes = [element("span", note, class_="range") for note in (interval, others) if note]
    value = repr(figure.mean)
    return element("td", star or None, mean, *notes, data_value=value, class_="best" if best else None)


def _best(rows: dict[str, dict[str, Figure]], metric: str, direction: str | None) -> set[str]:
    """The systems whose mean reads like the best one."""
    means = {
        system: values[metric].mean
        for system, values in rows.items()
        if metric in values and not system.lower().startswith("ceiling")
    }
    if direction is None or len(means) < 2:
        return set()
    found = number(metric, (max if direction == HIGHER else min)(means.values()))
    return {system for system, mean in means.items() if number(metric, mean) == found}
