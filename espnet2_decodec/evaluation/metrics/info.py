"""Names, units, decimals, directions and descriptions of the metrics of a benchmark."""

from dataclasses import dataclass

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
    "similarity": MetricInfo(
        "speaker similarity", "", 3, HIGHER, "Cosine of speaker embeddings (resemblyzer) of output and reference."
    ),
    "dwer": MetricInfo(
        "dWER", "", 3, LOWER, "Word error rate of what Whisper tiny.en recognizes, against the same on the reference."
    ),
    "distillmos": MetricInfo(
        "DistillMOS", "", 2, HIGHER, "Predicted mean opinion score of naturalness without a reference, from 1 to 5."
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


def metric_info(metric: str) -> MetricInfo:
    """Presentation of a metric; an unknown one is shown under its own name, without a direction."""
    return METRICS.get(metric, MetricInfo(metric, "", 3, None, "No description is available."))
