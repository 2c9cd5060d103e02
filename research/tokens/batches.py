"""Batches of the trainings: clean speech and mixtures with it, and the clean speech as the target."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.data.mixing import Mixing
from research.tokens.audio_bank import AudioBank

SPEECH_WEIGHTS = {"klettres": 0.4, "gcin": 0.4, "hedgewars": 0.5, "ktuberling": 0.7, "picovoice-wakeword": 0.3}
MUSIC_PROB = 0.15


class TrainingBatch(NamedTuple):
    """One training batch.

    Attributes:
        target: [B, L], speech to be decoded.
        mixture: [B, L], `target`, or a mixture with it.
    """

    target: Tensor
    mixture: Tensor


class BatchSampler:
    """Random batches, the first items of which are mixtures.

    Args:
        bank: folder of the banks of `prepare_data`.
        snr: range of the mixtures in dB.
    """

    def __init__(self, bank: str | Path, snr: tuple[float, float] = (-2.0, 25.0)):
        self.speech = AudioBank(bank, "speech_train", SPEECH_WEIGHTS)
        self.noises = [AudioBank(bank, "noise_train"), AudioBank(bank, "music_train")]
        common = {
            "background_only_prob": 0.0, "babble_prob": 0.0, "clip_prob": 0.0, "lowpass_prob": 0.03,
            "equalize_prob": 0.4, "reverb_prob": 0.12, "level": (-36.0, -16.0),
        }  # fmt: skip
        self.mix = Mixing(snr=snr, snr_skew=1.0, clean_prob=0.0, **common)
        self.augment = Mixing(snr=snr, clean_prob=1.0, **common)

    def draw(self, count: int, mixed: int, length: int, random: np.random.Generator) -> TrainingBatch:
        """A batch of `count` items of `length` samples (whole frames), `mixed` of them mixtures."""
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        speech = self.speech.draw(count, length, random)
        speech = speech * torch.where(torch.rand(count, 1, generator=generator) < 0.5, 1.0, -1.0)
        silence = torch.zeros(count - mixed, 1, length)
        clean = self.augment(speech[mixed:], silence, generator).speech
        if not mixed:
            return TrainingBatch(clean, clean)
        noises = np.stack([[self.noise(length, random) for _ in range(2)] for _ in range(mixed)])
        batch = self.mix(speech[:mixed], torch.from_numpy(noises), generator)
        return TrainingBatch(torch.cat([batch.speech, clean]), torch.cat([batch.mixture, clean]))

    def noise(self, length: int, random: np.random.Generator) -> np.ndarray:
        """[length] of noise or music."""
        return self.noises[int(random.random() < MUSIC_PROB)].segment(length, random)
