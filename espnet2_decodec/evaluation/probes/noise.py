"""Residual background in the speech stem: its level in pauses, and its detection by a linear probe."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN
from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.probes.linear import LinearProbe
from espnet2_decodec.evaluation.probes.results import ProbeResult
from espnet2_decodec.evaluation.probes.stems import TRUE_STEMS, StemMeasurements


def pause_results(measurements: Sequence[StemMeasurements], conditions: Mapping[str, str]) -> list[ProbeResult]:
    """Mean level in pauses by system and SNR."""
    groups: dict[tuple[str, str], list[float]] = {}
    for one in measurements:
        if one.system != TRUE_STEMS and not math.isnan(one.pause_level):
            groups.setdefault((one.system, conditions[one.key]), []).append(one.pause_level)
    return [
        ProbeResult("pauses", system, "speech", condition, bootstrap_interval(levels))
        for (system, condition), levels in groups.items()
    ]


def detector_results(
    measurements: Sequence[StemMeasurements], conditions: Mapping[str, str], speakers: Mapping[str, str]
) -> list[ProbeResult]:
    """Detection of the stems of mixtures among those of clean speech by the same system: area under the curve in %.

    There is one detector per system, condition and held-out speaker, trained on the other speakers. The area is the
    mean over mixtures of the share of clean recordings of the same speaker with a lower score.

    Raises:
        ValueError: if there are fewer than two speakers, or no clean speech.
    """
    systems: dict[str, dict[str, Tensor]] = {}
    for one in measurements:
        if one.statistics is not None and one.system != TRUE_STEMS:
            systems.setdefault(one.system, {})[one.key] = one.statistics
    results = []
    for system, statistics in systems.items():
        clean = [key for key in statistics if conditions[key] == CLEAN]
        if len({speakers[key] for key in clean}) < 2:
            raise ValueError("The detector of background needs clean recordings of at least two speakers.")
        for condition in dict.fromkeys(conditions.values()):
            noisy = [key for key in statistics if conditions[key] == condition]
            if noisy and condition not in (CLEAN, BACKGROUND_ONLY):
                areas = [100 * area for area in _areas(statistics, clean, noisy, speakers)]
                results.append(ProbeResult("detector", system, "speech", condition, bootstrap_interval(areas), 50.0))
    return results


def _areas(
    statistics: Mapping[str, Tensor], clean: Sequence[str], noisy: Sequence[str], speakers: Mapping[str, str]
) -> list[float]:
    """For each noisy recording, the share of clean ones of its speaker with a lower score."""
    areas = []
    for speaker in sorted({speakers[key] for key in noisy}):
        train = [[key for key in keys if speakers[key] != speaker] for keys in (clean, noisy)]
        test = [[key for key in keys if speakers[key] == speaker] for keys in (clean, noisy)]
        if not all(map(len, (*train, *test))):
            continue
        x = torch.cat([statistics[key] for keys in train for key in keys])
        y = torch.cat([torch.full((len(statistics[key]),), label) for label, keys in enumerate(train) for key in keys])
        probe = LinearProbe(x, y, 2)
        clean_scores, noisy_scores = (torch.stack([_score(probe, statistics[key]) for key in keys]) for keys in test)
        areas += [
            float((clean_scores < score).float().mean() + 0.5 * (clean_scores == score).float().mean())
            for score in noisy_scores
        ]
    return areas


def _score(probe: LinearProbe, statistics: Tensor) -> Tensor:
    """Mean log odds of noise over the windows [W, D] of a recording."""
    log_probs = probe(statistics)
    return (log_probs[:, 1] - log_probs[:, 0]).mean()
