"""Labels of metrics, conditions and targets on the page, and their order."""

from collections.abc import Iterable

from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN
from espnet2_decodec.evaluation.metrics.info import LOWER, metric_info

PLOTTED = ("si_sdr", "mel", "pesq", "stoi", "dnsmos_ovrl")
"""Metrics of the rate-distortion plots."""

CAPTION = ("si_sdr", "pesq", "stoi", "level")
"""Metrics in the caption of a player, where they have a direction."""

TARGETS = {"speech": "Speech", "background": "Background", "mixture": "Mixture", "remix": "Remix"}
"""Known targets and their titles, in the order of the page."""


def direction(metric: str, target: str, condition: str) -> str | None:
    """Whether higher or lower is better; the level has a direction only where the reference is silent."""
    if metric == "level" and (target, condition) in (("background", CLEAN), ("speech", BACKGROUND_ONLY)):
        return LOWER
    return metric_info(metric).better


def format_value(metric: str, value: float) -> str:
    """A value with the metric's decimals and a typographic minus sign; never a negative zero."""
    text = f"{value:.{metric_info(metric).digits}f}"
    return text.lstrip("-") if not float(text) else text.replace("-", "\N{MINUS SIGN}")


def known_first(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Unique names: the known ones in their order, then the others as they come."""
    names = list(dict.fromkeys(names))
    first = [name for name in known if name in names]
    return first + [name for name in names if name not in first]


def target_title(target: str) -> str:
    """Title of a target."""
    return TARGETS.get(target, target.capitalize())
