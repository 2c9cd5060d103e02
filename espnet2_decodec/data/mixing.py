"""Making noisy recordings on the fly from clean speech and backgrounds, with the stems as ground truth."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from espnet2_decodec.data import augment


@dataclass(frozen=True)
class Batch:
    """Stems of a training batch, each [B, L] and as loud as they are in the mixture. Silence is zeros."""

    speech: Tensor
    background: Tensor

    @property
    def mixture(self) -> Tensor:
        """[B, L]: the sum of the stems."""
        return self.speech + self.background


@dataclass(frozen=True)
class Mixing:
    """How stems are put together; probabilities are per item of a batch.

    Attributes:
        snr: dB range of the speech level over the background level, both measured where they sound.
        snr_skew: 1 draws the SNR evenly, larger numbers draw low SNRs more often.
        level: dBFS range of the mixture's RMS.
        clean: probability of no background.
        background_only: probability of no speech.
        more: probability of each further background on top of the first.
        noise: probability of a made noise (white to brown, with hum) as the first background.
        babble: probability of four to six other voices of the batch as the first background.
        equalize: probability of a random smooth equalization, for each stem.
        reverb: probability of reverberation, for each stem.
        narrow: probability of a low-pass filter on both stems.
        clip: probability of overdrive, for each stem.
    """

    snr: tuple[float, float] = (-5.0, 40.0)
    snr_skew: float = 1.5
    level: tuple[float, float] = (-38.0, -14.0)
    clean: float = 0.08
    background_only: float = 0.07
    more: float = 0.25
    noise: float = 0.1
    babble: float = 0.03
    equalize: float = 0.3
    reverb: float = 0.15
    narrow: float = 0.05
    clip: float = 0.03
    sample_rate: int = 16000

    def __call__(self, speech: Tensor, backgrounds: Tensor, generator: Generator | None = None) -> Batch:
        """Mix a batch.

        Args:
            speech: [B, L] clean speech at any level.
            backgrounds: [B, M, L] M >= 1 backgrounds to choose from.
            generator: source of all randomness, on the device of the tensors.

        Raises:
            ValueError: if the shapes do not fit.
        """
        if (
            backgrounds.ndim != 3
            or speech.shape != (backgrounds.shape[0], backgrounds.shape[2])
            or not backgrounds.shape[1]
        ):
            raise ValueError(
                f"Mixing needs [B, L] and [B, M, L], not {tuple(speech.shape)} and {tuple(backgrounds.shape)}."
            )
        draw = _Draw(len(speech), speech.device, generator)
        background = self._background(speech, backgrounds, draw)
        speech = self._color(_normal(speech), draw)
        background = self._color(_normal(background), draw)
        if self.narrow:
            filters = augment.low_pass(draw, self.sample_rate, draw.chance(self.narrow))
            speech, background = filters(speech), filters(background)
        low, high = self.snr
        snr = low + (high - low) * draw.uniform() ** self.snr_skew
        background = background * 10 ** (-snr / 20)
        case = draw.uniform()
        background = background * (case >= self.clean)
        speech = speech * ((case < self.clean) | (case >= self.clean + self.background_only))
        return _loudness(speech, background, draw.uniform(*self.level))

    def _background(self, speech: Tensor, backgrounds: Tensor, draw: "_Draw") -> Tensor:
        """One background [B, L] per item, from one or several of those given, or made."""
        total = _normal(backgrounds[:, 0])
        made = draw.chance(self.noise) | (total.abs().amax(1, keepdim=True) == 0)
        total = torch.where(made, augment.noise(draw, speech.shape[1], self.sample_rate), total)
        if self.babble and len(speech) >= 8:
            voices = sum(_normal(speech).roll(shift, 0) for shift in range(1, 6))
            total = torch.where(draw.chance(self.babble), _normal(voices), total)
        for other in backgrounds.unbind(1)[1:]:
            gain = 10 ** (draw.uniform(-15.0, 0.0) / 20)
            total = total + _normal(other) * gain * draw.chance(self.more)
        return total

    def _color(self, wav: Tensor, draw: "_Draw") -> Tensor:
        """Equalization, reverberation and overdrive, by chance."""
        if self.equalize:
            wav = augment.equalize(draw, wav, draw.chance(self.equalize))
        if self.reverb:
            wav = augment.reverberate(draw, wav, self.sample_rate, draw.chance(self.reverb))
        if self.clip:
            wav = augment.clip(draw, wav, draw.chance(self.clip))
        return _normal(wav)


class _Draw:
    """Random columns [B, 1] from one generator."""

    def __init__(self, batch: int, device: torch.device, generator: Generator | None):
        self.batch, self.device, self.generator = batch, device, generator

    def uniform(self, low: float = 0.0, high: float = 1.0, width: int = 1) -> Tensor:
        """[B, width] in low..high."""
        return low + (high - low) * torch.rand(self.batch, width, device=self.device, generator=self.generator)

    def normal(self, width: int) -> Tensor:
        """[B, width] standard normal."""
        return torch.randn(self.batch, width, device=self.device, generator=self.generator)

    def chance(self, probability: float) -> Tensor:
        """[B, 1] bool."""
        return self.uniform() < probability


def _normal(wav: Tensor) -> Tensor:
    """Scaled to an RMS of 1 over the samples that sound; what is silent (-60 dBFS) stays as it is."""
    power = wav.square()
    sounding = power > power.mean(1, keepdim=True) * 1e-2
    active = (power * sounding).sum(1, keepdim=True) / sounding.sum(1, keepdim=True).clamp(min=1)
    return torch.where(active > 1e-6, wav * (active + 1e-12).rsqrt(), wav)


def _loudness(speech: Tensor, background: Tensor, level: Tensor) -> Batch:
    """Both stems scaled alike, so that their sum has the RMS `level` [B, 1] in dBFS and does not clip."""
    mixture = speech + background
    gain = 10 ** (level / 20) / mixture.square().mean(1, keepdim=True).sqrt().clamp(min=1e-3)
    gain = torch.minimum(gain, 0.98 / mixture.abs().amax(1, keepdim=True).clamp(min=1e-5))
    return Batch(speech * gain, background * gain)
