"""Measurements of the stems of one system on one recording: transcripts, level in pauses, and log-mel statistics."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from espnet2_decodec.data.levels import FRAME_LENGTH, active_frames
from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.metrics.recognizers import normalize_level, recognizer
from espnet2_decodec.evaluation.mixture_set import MixtureItem, MixtureSet
from espnet2_decodec.evaluation.probes.features import log_mel, window_statistics
from espnet2_decodec.evaluation.systems.base import System
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.training.energy_ratios import relative_level

TRUE_STEMS = "true stems"
"""Spec and name of the stems that the mixture is the sum of."""
STEMS = ("speech", "background")
PAUSE_MARGIN = 5
"""Frames of 20 ms around speech that are no pause: decays, and the windows of a codec."""
MIN_PAUSE_FRAMES = 5


@dataclass(frozen=True)
class StemTask:
    """One system on one recording: names, the system's spec, and whether transcripts are wanted."""

    system: str
    spec: str
    key: str
    transcribe: bool


@dataclass(frozen=True)
class StemMeasurements:
    """Measurements of the stems of one system on one recording.

    Attributes:
        system: its name.
        key: of the recording.
        transcripts: stem -> text; empty if none were wanted.
        pause_level: level in dB of the speech stem in the pauses of the clean speech, relative to the mixture there;
            NaN without background or pauses.
        statistics: [W, 2 F] of the log-mel of the speech stem, see `window_statistics`; None where there is no speech.
    """

    system: str
    key: str
    transcripts: Mapping[str, str]
    pause_level: float
    statistics: Tensor | None


class StemMeasurer:
    """Runs systems, and keeps the one of the last recording: tasks come sorted by system.

    Args:
        data: folder of test mixtures.
        asr: name of a recognizer; None if no transcripts are wanted.
        language: of all recordings, as an ISO 639-1 code.
    """

    def __init__(self, data: str | Path, asr: str | None, language: str):
        self.data, self.language = MixtureSet(data), language
        self.recognizer = None if asr is None else recognizer(asr)
        self.spec = ""
        self.system: System | None = None

    def __call__(self, task: StemTask) -> StemMeasurements:
        """All measurements of one recording."""
        item = self.data.load(task.key, SAMPLE_RATE)
        stems = self._stems(task.spec, item)
        speech, statistics = stems.get("speech"), None
        if speech is not None and item.condition != BACKGROUND_ONLY:
            statistics = window_statistics(log_mel(normalize_level(speech), SAMPLE_RATE, FRAME_LENGTH))
        transcripts = self._transcribe(stems) if task.transcribe else {}
        return StemMeasurements(task.system, task.key, transcripts, pause_level(item, speech), statistics)

    def _stems(self, spec: str, item: MixtureItem) -> dict[str, Tensor]:
        """Estimates of the stems, or the true ones."""
        if spec == TRUE_STEMS:
            return {stem: getattr(item, stem) for stem in STEMS}
        if self.system is None or spec != self.spec:
            self.spec, self.system = spec, build(spec)
        estimates = self.system.estimate(item, SAMPLE_RATE)
        return {stem: estimates[stem] for stem in STEMS if stem in estimates}

    def _transcribe(self, stems: Mapping[str, Tensor]) -> dict[str, str]:
        """Transcript of each stem at a normalized level; equal stems are recognized once."""
        transcripts: dict[str, str] = {}
        for stem, wav in stems.items():
            same = next((other for other in transcripts if wav.equal(stems[other])), None)
            if same:
                transcripts[stem] = transcripts[same]
            elif self.recognizer:
                transcripts[stem] = self.recognizer(normalize_level(wav), SAMPLE_RATE, self.language)
        return transcripts


def pause_level(item: MixtureItem, speech: Tensor | None) -> float:
    """Level in dB of a speech stem [L] in the pauses of the clean speech, relative to the mixture there.

    NaN where there is no background, no speech, or too few frames of pause.
    """
    if speech is None or item.condition in (CLEAN, BACKGROUND_ONLY):
        return math.nan
    active = active_frames(item.speech.numpy())
    near_speech = np.convolve(active, np.ones(2 * PAUSE_MARGIN + 1), mode="same") > 0
    if (~near_speech).sum() < MIN_PAUSE_FRAMES:
        return math.nan
    pause = np.repeat(~near_speech, FRAME_LENGTH)[: len(item.speech)]
    return relative_level(speech[pause], item.mixture[pause]).item()
