"""Background that is left in the speech stem: in pauses, and as a detector with other voices to learn from finds it."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN
from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.probes.linear import LinearProbe
from espnet2_decodec.evaluation.probes.listening import TRUTH, Notes
from espnet2_decodec.evaluation.probes.tables import Line


def pause_lines(notes: Sequence[Notes], conditions: Mapping[str, str]) -> list[Line]:
    """Mean level in pauses by system and SNR."""
    groups: dict[tuple[str, str], list[float]] = {}
    for note in notes:
        if note.system != TRUTH and not math.isnan(note.pauses):
            groups.setdefault((note.system, conditions[note.key]), []).append(note.pauses)
    return [
        Line("pauses", system, "speech", condition, bootstrap_interval(values))
        for (system, condition), values in groups.items()
    ]


def detector_lines(notes: Sequence[Notes], conditions: Mapping[str, str], speakers: Mapping[str, str]) -> list[Line]:
    """How well the stems of mixtures can be told from those of clean speech by the same system: area under the curve, in %.

    One detector per system, condition and held-out voice, trained on the other voices. The area is the mean over mixtures of the
    share of clean recordings of the same voice that look cleaner.

    Raises:
        ValueError: if there are fewer than two voices, or no clean speech to compare with.
    """
    systems = list(dict.fromkeys(note.system for note in notes if note.windows is not None and note.system != TRUTH))
    noisy = [c for c in dict.fromkeys(conditions.values()) if c not in (CLEAN, BACKGROUND_ONLY)]
    lines = []
    for system in systems:
        mine = {note.key: note.windows for note in notes if note.system == system and note.windows is not None}
        clean = [key for key in mine if conditions[key] == CLEAN]
        if len({speakers[key] for key in clean}) < 2:
            raise ValueError("The detector of background needs clean recordings of at least two voices.")
        for condition in noisy:
            keys = [key for key in mine if conditions[key] == condition]
            if keys:
                found = bootstrap_interval([100 * area for area in _areas(mine, clean, keys, speakers)])
                lines.append(Line("detector", system, "speech", condition, found, 50.0))
    return lines


def _areas(
    windows: Mapping[str, Tensor], clean: Sequence[str], noisy: Sequence[str], speakers: Mapping[str, str]
) -> list[float]:
    """For each noisy recording, the share of clean ones of its voice that a detector of other voices takes for cleaner."""
    areas = []
    for voice in sorted({speakers[key] for key in noisy}):
        sets = [[key for key in keys if speakers[key] != voice] for keys in (clean, noisy)]
        tests = [[key for key in keys if speakers[key] == voice] for keys in (clean, noisy)]
        if not all(map(len, (*sets, *tests))):
            continue
        x = torch.cat([windows[key] for keys in sets for key in keys])
        y = torch.cat([torch.full((len(windows[key]),), label) for label, keys in enumerate(sets) for key in keys])
        probe = LinearProbe(x, y, 2)
        marks = [torch.stack([_mark(probe, windows[key]) for key in keys]) for keys in tests]
        areas += [
            float((marks[0] < mark).float().mean() + 0.5 * (marks[0] == mark).float().mean()) for mark in marks[1]
        ]
    return areas


def _mark(probe: LinearProbe, windows: Tensor) -> Tensor:
    """How noisy a recording looks: mean log odds of its windows [W, D]."""
    found = probe(windows)
    return (found[:, 1] - found[:, 0]).mean()
