"""Tables as CSV and as Markdown, and how numbers are written in them."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN, parse_snr
from espnet2_decodec.evaluation.metrics.bootstrap import RESAMPLES, SEED, Interval

Row = dict[str, Any]
"""One line of a table: column -> text or number; NaN and None are undefined."""

INTERVAL_NOTE = f"95 % intervals in brackets (percentile bootstrap over recordings, {RESAMPLES} resamples, seed {SEED})"


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV file; an undefined or absent number is an empty field."""
    with atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_csv_field(row.get(name)) for name in columns] for row in rows)


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 1) -> list[str]:
    """Lines of a Markdown table; the first `text_columns` are aligned left, the others right."""
    rule = [":--" if i < text_columns else "--:" for i in range(len(headings))]
    return [f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows)]


def bullet_list(entries: Mapping[str, str], lines: Sequence[str] = ()) -> list[str]:
    """Lines of a Markdown list: `- key: value` of each entry, then other lines."""
    return [*(f"- {key}: {value}" for key, value in entries.items()), *(f"- {line}" for line in lines)]


def format_number(value: float | None, digits: int) -> str:
    """A number with so many decimals, "-" where undefined."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def format_interval(interval: Interval | None, digits: int) -> str:
    """A mean with its interval, "-" where undefined."""
    if interval is None or not interval.count:
        return "-"
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def condition_heading(condition: str) -> str:
    """The heading of a condition's column: an SNR gets its unit."""
    try:
        return condition if parse_snr(condition) is None else f"{condition} dB"
    except ValueError:
        return condition


def condition_title(condition: str) -> str:
    """A condition in words: `SNR 5 dB`, `clean speech`, `background only`, or the name itself."""
    try:
        snr = parse_snr(condition)
    except ValueError:
        return condition or "no condition"
    words = {CLEAN: "clean speech", BACKGROUND_ONLY: "background only"}
    return words.get(condition, condition) if snr is None else f"SNR {condition.replace('-', chr(0x2212))} dB"


def _csv_field(value: Any) -> str:
    """Text as it is; a number with at most four decimals."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return "0" if text == "-0" else text
