"""Fidelity of a background that is kept under converted speech: its level, and what kind of noise it sounds like."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.metrics.bootstrap import bootstrap_interval
from espnet2_decodec.evaluation.probes.features import log_mel, window_statistics
from espnet2_decodec.evaluation.probes.linear import LinearProbe
from espnet2_decodec.evaluation.tables import Row
from espnet2_decodec.evaluation.tts import background_scores
from espnet2_decodec.voice.backgrounds import RecordedBackground
from research.tokens.audio_bank import AudioBank

HOP = SAMPLE_RATE // 50
"""Samples between frames of the classifier's features."""
CLASS_SOURCE = "ESC-10"
"""Source of the recordings whose labels are the classes: ten kinds of sound."""


class NoiseClassifier:
    """Kind of a noise, by a linear classifier of log-mel statistics over windows of 1 s, at whatever level.

    Args:
        recordings: samples [L] and class of each.
    """

    def __init__(self, recordings: Iterable[tuple[Tensor, str]]):
        features, labels = [], []
        for wav, label in recordings:
            features.append(_statistics(wav))
            labels += [label] * len(features[-1])
        self.classes = sorted(set(labels))
        numbers = torch.tensor([self.classes.index(label) for label in labels])
        self.probe = LinearProbe(torch.cat(features), numbers, len(self.classes))

    @classmethod
    def from_bank(cls, folder: Path, name: str = "noise_train") -> "NoiseClassifier":
        """Trained on the recordings of `CLASS_SOURCE` in a bank of `research.tokens.prepare_data`."""
        return cls(labeled(folder, name))

    def __call__(self, wav: Tensor) -> str:
        """The most probable class of samples [L]."""
        return self.classes[int(self.probe(_statistics(wav)).sum(0).argmax())]

    def accuracy(self, recordings: Sequence[tuple[Tensor, str]]) -> float:
        """Share of recordings whose class is found, in %."""
        return 100 * sum(self(wav) == label for wav, label in recordings) / len(recordings)


def labeled(folder: Path, name: str) -> list[tuple[Tensor, str]]:
    """Samples [L] and class of the recordings of `CLASS_SOURCE` in a bank."""
    bank = AudioBank(folder, name)
    return [(bank.recording(i), row[2]) for i, row in enumerate(bank.rows) if row[3] == CLASS_SOURCE]


def kept_background_scores(
    codec: DeCodec, classifier: NoiseClassifier, pairs: Iterable[tuple[Tensor, Tensor]]
) -> dict[str, float]:
    """Scores of the backgrounds that `decodec convert --background keep` puts under the output.

    Args:
        codec: with a semantic level, which separates them.
        classifier: of noises.
        pairs: mixture and its noise, [L] each.

    Returns:
        Means of the level in dB relative to the noise, of its absolute value and of the mel distance, where they are
        defined, and the share in % that is taken for the same class as the noise.
    """
    rows: list[Row] = []
    for mixture, noise in pairs:
        kept = torch.cat(list(RecordedBackground(codec, [mixture])))
        rows.append(background_scores(noise, kept) | {"same_class": 100.0 * (classifier(kept) == classifier(noise))})
    return {f"background_{name}": bootstrap_interval([row[name] for row in rows]).mean for name in rows[0]}


def _statistics(wav: Tensor) -> Tensor:
    """[L] -> [W, 2 N]: statistics of log-mel frames relative to the mean of them all."""
    frames = log_mel(wav, SAMPLE_RATE, HOP)
    return window_statistics(frames - frames.mean())
