"""What the page says of each metric: heading, decimals, direction, meaning; and of each condition and target."""

from collections.abc import Iterable
from dataclasses import dataclass

from espnet2_decodec.data.mixtures import ALONE, CLEAN, snr_of

HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True)
class Measure:
    """A metric as people read it.

    Attributes:
        name: short.
        unit: of its figures, may be empty.
        digits: decimals.
        better: `HIGHER`, `LOWER` or None where neither is better.
        meaning: one sentence.
    """

    name: str
    unit: str
    digits: int
    better: str | None
    meaning: str

    @property
    def heading(self) -> str:
        """Name and unit."""
        return f"{self.name} {self.unit}".strip()


MEASURES = {
    "si_sdr": Measure(
        "SI-SDR",
        "dB",
        1,
        HIGHER,
        "Scale-invariant signal-to-distortion ratio: how much of the output is the reference, whatever its level.",
    ),
    "si_sdri": Measure(
        "SI-SDRi",
        "dB",
        1,
        HIGHER,
        "SI-SDR less that of the untouched mixture: 0 is what doing nothing gives.",
    ),
    "sdr": Measure("SDR", "dB", 1, HIGHER, "Signal-to-distortion ratio in which a wrong level counts as distortion."),
    "mel": Measure(
        "mel distance",
        "",
        2,
        LOWER,
        "Mean difference of the mel spectra and of their logarithms, at two resolutions: how alike they look.",
    ),
    "pesq": Measure("PESQ", "", 2, HIGHER, "Wideband PESQ (ITU-T P.862.2), quality of speech from 1 to about 4.6."),
    "stoi": Measure("STOI", "", 3, HIGHER, "Short-time objective intelligibility of speech, from 0 to 1."),
    "dnsmos_sig": Measure(
        "DNSMOS speech",
        "",
        2,
        HIGHER,
        "DNSMOS P.835, a model's guess of how listeners rate the speech, from 1 to 5.",
    ),
    "dnsmos_bak": Measure("DNSMOS background", "", 2, HIGHER, "The same of how little the background disturbs."),
    "dnsmos_ovrl": Measure("DNSMOS overall", "", 2, HIGHER, "The same of the whole."),
    "level": Measure(
        "level",
        "dB",
        1,
        None,
        "Level of the output relative to the mixture. Where the reference is silent (the background of clean speech, "
        "the speech where the background is alone) it tells what is left, and lower is better.",
    ),
}
"""Known metrics, in the order of the columns."""

PLOTTED = ("si_sdr", "mel", "pesq", "stoi", "dnsmos_ovrl")
"""Metrics that are plotted over the rate; the others take the same course."""

BRIEF = ("si_sdr", "pesq", "stoi", "level")
"""Metrics that stand beside a player, where they have a direction."""

TARGETS = {"speech": "Speech", "background": "Background", "mixture": "Whole recording"}
"""Known targets and their titles, in the order of the page."""


def measure(metric: str) -> Measure:
    """The metric in words; one that is not known is shown as it is named, without a direction."""
    return MEASURES.get(metric, Measure(metric, "", 3, None, "This page knows nothing of it."))


def better(metric: str, target: str, condition: str) -> str | None:
    """The direction of a metric here: the level has one where the reference is silent."""
    if metric == "level" and (target, condition) in (("background", CLEAN), ("speech", ALONE)):
        return LOWER
    return measure(metric).better


def number(metric: str, value: float) -> str:
    """A figure for people, with a true minus sign."""
    text = f"{value:.{measure(metric).digits}f}"
    return text.lstrip("-") if not float(text) else text.replace("-", "\N{MINUS SIGN}")


def ordered(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Each name once: the known ones in their order, then the others as they come."""
    names = list(dict.fromkeys(names))
    first = [name for name in known if name in names]
    return first + [name for name in names if name not in first]


def condition_title(condition: str) -> str:
    """A condition in words."""
    if condition in (CLEAN, ALONE):
        return {CLEAN: "clean speech", ALONE: "background alone"}[condition]
    minus = condition.replace("-", "\N{MINUS SIGN}")
    return condition or "no condition" if _snr(condition) is None else f"SNR {minus} dB"


def target_title(target: str) -> str:
    """A target in words."""
    return TARGETS.get(target, target.capitalize())


def _snr(condition: str) -> float | None:
    """dB, None if the condition is no number."""
    try:
        return snr_of(condition)
    except ValueError:
        return None
