"""Batches of the trainings: mixtures, the speech separated from them, and the clean speech as the target."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.base import ParametricBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixing import Mixing
from research.tokens.audio_bank import AudioBank
from research.training import autocast

SPEECH_WEIGHTS = {"klettres": 0.4, "gcin": 0.4, "hedgewars": 0.5, "ktuberling": 0.7, "picovoice-wakeword": 0.3}
MUSIC_PROB = 0.15


@dataclass(frozen=True)
class TrainingBatch:
    """One training batch.

    Attributes:
        raw: [B, L], speech before any augmentation, for the teacher.
        target: [B, L], speech to be decoded.
        mixture: [B, L], `target`, or a mixture with it.
        input: [B, L], input of the encoder: `target`, or the speech separated from a mixture with it.
    """

    raw: Tensor
    target: Tensor
    mixture: Tensor
    input: Tensor


class BatchSampler:
    """Random batches, the first items of which are separated from mixtures.

    Args:
        bank: folder of the banks of `prepare_data`.
        separator: backbone of a codec that separates, frozen; None for that of the codec in the package.
        snr: range of the mixtures in dB.
    """

    def __init__(
        self, bank: str | Path, separator: ParametricBackbone | None = None, snr: tuple[float, float] = (-2.0, 25.0)
    ):
        self.speech = AudioBank(bank, "speech_train", SPEECH_WEIGHTS)
        self.noises = [AudioBank(bank, "noise_train"), AudioBank(bank, "music_train")]
        self.separator = (separator or DeCodec.from_pretrained().backbone).eval().requires_grad_(False)
        common = {
            "background_only_prob": 0.0, "babble_prob": 0.0, "clip_prob": 0.0, "lowpass_prob": 0.03,
            "equalize_prob": 0.4, "reverb_prob": 0.12, "level": (-36.0, -16.0),
        }  # fmt: skip
        self.mix = Mixing(snr=snr, snr_skew=1.0, clean_prob=0.0, **common)
        self.augment = Mixing(snr=snr, clean_prob=1.0, **common)

    def draw(self, count: int, separated: int, length: int, random: np.random.Generator) -> TrainingBatch:
        """A batch of `count` items of `length` samples (whole frames), `separated` of them from mixtures."""
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        raw = self.speech.draw(count, length, random)
        raw = raw * torch.where(torch.rand(count, 1, generator=generator) < 0.5, 1.0, -1.0)
        silence = torch.zeros(count - separated, 1, length)
        target = self.augment(raw[separated:], silence, generator).speech
        if not separated:
            return TrainingBatch(raw, target, target, target)
        noises = np.stack([[self.noise(length, random) for _ in range(2)] for _ in range(separated)])
        batch = self.mix(raw[:separated], torch.from_numpy(noises), generator)
        with torch.no_grad(), autocast():
            stems = self.separator.stems(batch.mixture)[:, 0].float()
        pairs = (batch.speech, batch.mixture, stems)
        return TrainingBatch(raw, *(torch.cat([part, target]) for part in pairs))

    def noise(self, length: int, random: np.random.Generator) -> np.ndarray:
        """[length] of noise or music."""
        return self.noises[int(random.random() < MUSIC_PROB)].segment(length, random)
