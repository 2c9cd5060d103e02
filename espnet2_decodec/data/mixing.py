"""Dynamic mixing: noisy speech from clean speech and backgrounds, with the stems as targets."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from espnet2_decodec.data import augment
from espnet2_decodec.data.augment import RandomColumns
from espnet2_decodec.data.config import check_fields


@dataclass(frozen=True)
class Batch:
    """Stems of a training batch, each [B, L] at its level in the mixture. Silence is zeros."""

    speech: Tensor
    background: Tensor

    @property
    def mixture(self) -> Tensor:
        """[B, L]: the sum of the stems."""
        return self.speech + self.background


@dataclass(frozen=True)
class Mixing:
    """Mixing of stems; probabilities are per item of a batch.

    Attributes:
        snr: range in dB of the speech level over the background level, both measured over active samples.
        snr_skew: 1 draws the SNR uniformly, larger values favor low SNRs.
        level: range in dBFS of the RMS of the mixture.
        clean_prob: no background.
        background_only_prob: no speech.
        extra_background_prob: each further background is added to the first.
        noise_prob: synthetic noise (white to brown, with hum) as the first background.
        babble_prob: five other voices of the batch as the first background.
        equalize_prob: random smooth equalization, for each stem.
        reverb_prob: reverberation, for each stem.
        lowpass_prob: low-pass filter on both stems.
        clip_prob: clipping, for each stem.
        sample_rate: Hz.

    Raises:
        ValueError: if an option is of another type, or out of range.
    """

    snr: tuple[float, float] = (-5.0, 40.0)
    snr_skew: float = 1.5
    level: tuple[float, float] = (-38.0, -14.0)
    clean_prob: float = 0.08
    background_only_prob: float = 0.07
    extra_background_prob: float = 0.25
    noise_prob: float = 0.1
    babble_prob: float = 0.03
    equalize_prob: float = 0.3
    reverb_prob: float = 0.15
    lowpass_prob: float = 0.05
    clip_prob: float = 0.03
    sample_rate: int = 16000

    def __post_init__(self):
        check_fields(self)

    def __call__(self, speech: Tensor, backgrounds: Tensor, generator: Generator | None = None) -> Batch:
        """Mix a batch.

        Args:
            speech: [B, L] clean speech at any level.
            backgrounds: [B, M, L] M >= 1 backgrounds to choose from.
            generator: source of all randomness, on the device of the tensors.

        Raises:
            ValueError: if the shapes do not agree.
        """
        batch, count, length = backgrounds.shape if backgrounds.ndim == 3 else (-1, 0, -1)
        if not count or speech.shape != (batch, length):
            raise ValueError(
                f"Mixing needs [B, L] and [B, M, L], not {tuple(speech.shape)} and {tuple(backgrounds.shape)}."
            )
        random = RandomColumns(len(speech), speech.device, generator)
        background = self._background(speech, backgrounds, random)
        speech = self._augment(_unit_rms(speech), random)
        background = self._augment(_unit_rms(background), random)
        if self.lowpass_prob:
            lowpass = augment.random_lowpass(random, self.sample_rate, random.bernoulli(self.lowpass_prob))
            speech, background = lowpass(speech), lowpass(background)
        low, high = self.snr
        snr = low + (high - low) * random.uniform() ** self.snr_skew
        background = background * 10 ** (-snr / 20)
        case = random.uniform()
        background = background * (case >= self.clean_prob)
        speech = speech * ((case < self.clean_prob) | (case >= self.clean_prob + self.background_only_prob))
        return _scale_to_level(speech, background, random.uniform(*self.level))

    def _background(self, speech: Tensor, backgrounds: Tensor, random: RandomColumns) -> Tensor:
        """One background [B, L] per item: a sum of some of those given, synthetic noise, or babble."""
        total = _unit_rms(backgrounds[:, 0])
        synthetic = random.bernoulli(self.noise_prob) | (total.abs().amax(1, keepdim=True) == 0)
        total = torch.where(synthetic, augment.synthetic_noise(random, speech.shape[1], self.sample_rate), total)
        if self.babble_prob and len(speech) >= 8:
            voices = _unit_rms(speech)
            babble = sum((voices.roll(shift, 0) for shift in range(1, 6)), torch.zeros_like(voices))
            total = torch.where(random.bernoulli(self.babble_prob), _unit_rms(babble), total)
        for other in backgrounds.unbind(1)[1:]:
            gain = 10 ** (random.uniform(-15.0, 0.0) / 20)
            total = total + _unit_rms(other) * gain * random.bernoulli(self.extra_background_prob)
        return total

    def _augment(self, wav: Tensor, random: RandomColumns) -> Tensor:
        """Equalization, reverberation and clipping of random items."""
        if self.equalize_prob:
            wav = augment.equalize(random, wav, random.bernoulli(self.equalize_prob))
        if self.reverb_prob:
            wav = augment.reverberate(random, wav, self.sample_rate, random.bernoulli(self.reverb_prob))
        if self.clip_prob:
            wav = augment.clip(random, wav, random.bernoulli(self.clip_prob))
        return _unit_rms(wav)


def _unit_rms(wav: Tensor) -> Tensor:
    """Scaled to an RMS of 1 over the active samples; silence (below -60 dBFS) is not changed."""
    power = wav.square()
    active = power > power.mean(1, keepdim=True) * 1e-2
    active_power = (power * active).sum(1, keepdim=True) / active.sum(1, keepdim=True).clamp(min=1)
    return torch.where(active_power > 1e-6, wav * (active_power + 1e-12).rsqrt(), wav)


def _scale_to_level(speech: Tensor, background: Tensor, level: Tensor) -> Batch:
    """Both stems scaled by one gain, so that their sum has the RMS `level` [B, 1] in dBFS and does not clip."""
    mixture = speech + background
    gain = 10 ** (level / 20) / mixture.square().mean(1, keepdim=True).sqrt().clamp(min=1e-3)
    gain = torch.minimum(gain, 0.98 / mixture.abs().amax(1, keepdim=True).clamp(min=1e-5))
    return Batch(speech * gain, background * gain)
