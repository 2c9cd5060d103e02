"""How metrics, conditions and targets are presented: names, units, decimals, directions and descriptions."""

from collections.abc import Iterable
from dataclasses import dataclass

from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN, parse_snr

HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True)
class MetricInfo:
    """Presentation of a metric.

    Attributes:
        name: short name.
        unit: unit of its values, may be empty.
        digits: decimals.
        better: `HIGHER`, `LOWER`, or None where neither is better.
        description: one or two sentences.
    """

    name: str
    unit: str
    digits: int
    better: str | None
    description: str

    @property
    def heading(self) -> str:
        """Name, and unit in parentheses."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


METRICS = {
    "si_sdr": MetricInfo(
        "SI-SDR", "dB", 1, HIGHER, "Scale-invariant signal-to-distortion ratio between the output and the reference."
    ),
    "si_sdri": MetricInfo(
        "SI-SDRi", "dB", 1, HIGHER, "SI-SDR improvement over the noisy input, whose own improvement is 0 dB."
    ),
    "sdr": MetricInfo("SDR", "dB", 1, HIGHER, "Signal-to-distortion ratio; a wrong gain counts as distortion."),
    "mel": MetricInfo(
        "mel distance", "", 2, LOWER, "Mean absolute difference of mel and log-mel spectrograms at two resolutions."
    ),
    "pesq": MetricInfo("PESQ", "", 2, HIGHER, "Wideband PESQ (ITU-T P.862.2): speech quality from 1 to about 4.6."),
    "stoi": MetricInfo("STOI", "", 3, HIGHER, "Short-time objective intelligibility of speech, from 0 to 1."),
    "dnsmos_sig": MetricInfo(
        "DNSMOS SIG", "", 2, HIGHER, "DNSMOS P.835: predicted mean opinion score of the speech signal, from 1 to 5."
    ),
    "dnsmos_bak": MetricInfo(
        "DNSMOS BAK", "", 2, HIGHER, "DNSMOS P.835: predicted mean opinion score of the background noise, from 1 to 5."
    ),
    "dnsmos_ovrl": MetricInfo(
        "DNSMOS OVRL", "", 2, HIGHER, "DNSMOS P.835: predicted mean opinion score of the overall quality, from 1 to 5."
    ),
    "level": MetricInfo(
        "level",
        "dB",
        1,
        None,
        "Level of the output relative to the mixture. Where the reference is silent (the background of clean speech, "
        "the speech of a background alone) it is the residual, and lower is better.",
    ),
}
"""Known metrics, in the order of the table columns."""

PLOTTED = ("si_sdr", "mel", "pesq", "stoi", "dnsmos_ovrl")
"""Metrics of the rate-distortion plots."""

CAPTION = ("si_sdr", "pesq", "stoi", "level")
"""Metrics in the caption of a player, where they have a direction."""

TARGETS = {"speech": "Speech", "background": "Background", "mixture": "Mixture", "remix": "Remix"}
"""Known targets and their titles, in the order of the page."""


def metric_info(metric: str) -> MetricInfo:
    """Presentation of a metric; an unknown one is shown under its own name, without a direction."""
    return METRICS.get(metric, MetricInfo(metric, "", 3, None, "No description is available."))


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


def condition_title(condition: str) -> str:
    """Title of a condition: `SNR 5 dB`, `clean speech`, `background only`, or the name itself."""
    if condition in (CLEAN, BACKGROUND_ONLY):
        return {CLEAN: "clean speech", BACKGROUND_ONLY: "background only"}[condition]
    try:
        parse_snr(condition)
    except ValueError:
        return condition or "no condition"
    return f"SNR {condition.replace('-', chr(0x2212))} dB"


def target_title(target: str) -> str:
    """Title of a target."""
    return TARGETS.get(target, target.capitalize())
