"""What is taken down of the stems of one system on one recording: words, what is left in pauses, and log-mel statistics."""

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
from espnet2_decodec.evaluation.probes.features import log_mel, windowed
from espnet2_decodec.evaluation.systems.specs import build
from espnet2_decodec.training import energy_ratios

TRUTH = "true stems"
"""Spec and name of the stems that the mixture was made of."""
STREAMS = ("speech", "background")
MARGIN = 5
"""Frames of 20 ms beside the speech that are no pause: decays, and the windows of a codec."""
SHORTEST = 5
"""Frames of pause that a recording must have."""


@dataclass(frozen=True)
class Work:
    """One system on one recording: names, the system's spec, and whether words are asked for."""

    system: str
    spec: str
    key: str
    words: bool


@dataclass(frozen=True)
class Notes:
    """What was taken down.

    Attributes:
        system, key: of what.
        transcripts: stream -> text, without those that were not asked for.
        pauses: level in dB of the speech stem in the pauses of the clean speech, relative to the mixture there; NaN without
            background or pauses.
        windows: [W, 2 F] statistics of the log-mel of the speech stem, see `windowed`; None where there is no speech.
    """

    system: str
    key: str
    transcripts: Mapping[str, str]
    pauses: float
    windows: Tensor | None


class Listener:
    """Runs systems, and keeps the one of the last recording: work comes sorted by system.

    Args:
        data: folder of test mixtures.
        judge: name of a recogniser; None when no words are asked for.
        language: of all recordings, as an ISO 639-1 code.
    """

    def __init__(self, data: str | Path, judge: str | None, language: str):
        self.data, self.language = MixtureSet(data), language
        self.judge = None if judge is None else recognizer(judge)
        self.spec, self.system = TRUTH, None

    def __call__(self, work: Work) -> Notes:
        """Everything about one recording."""
        item = self.data.load(work.key, SAMPLE_RATE)
        stems = self._stems(work.spec, item)
        transcripts = self._transcripts(stems) if work.words and self.judge else {}
        speech = stems.get("speech")
        windows = None
        if speech is not None and item.condition != BACKGROUND_ONLY:
            windows = windowed(log_mel(normalize_level(speech), SAMPLE_RATE, FRAME_LENGTH))
        return Notes(work.system, work.key, transcripts, in_pauses(item, speech), windows)

    def _stems(self, spec: str, item: MixtureItem) -> dict[str, Tensor]:
        if spec == TRUTH:
            return {stream: getattr(item, stream) for stream in STREAMS}
        if spec != self.spec:
            self.spec, self.system = spec, build(spec)
        answers = self.system(item.mixture, SAMPLE_RATE)
        return {stream: answers[stream] for stream in STREAMS if stream in answers}

    def _transcripts(self, stems: Mapping[str, Tensor]) -> dict[str, str]:
        """Each stem as loud as a recogniser expects it; what is the same sound is heard once."""
        found: dict[str, str] = {}
        for stream, wav in stems.items():
            same = next((other for other in found if wav.equal(stems[other])), None)
            found[stream] = found[same] if same else self.judge(normalize_level(wav), SAMPLE_RATE, self.language)
        return found


def in_pauses(item: MixtureItem, speech: Tensor | None) -> float:
    """Level in dB of a speech stem [L] where the clean speech pauses, relative to the mixture there; NaN where undefined."""
    if speech is None or item.condition in (CLEAN, BACKGROUND_ONLY):
        return math.nan
    busy = active_frames(item.speech.numpy())
    near = np.convolve(busy, np.ones(2 * MARGIN + 1), mode="same") > 0
    if (~near).sum() < SHORTEST:
        return math.nan
    silent = np.repeat(~near, FRAME_LENGTH)[: len(item.speech)]
    return energy_ratios.relative_level(speech[silent], item.mixture[silent]).item()
