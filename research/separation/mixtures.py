"""Training mixtures: voices in rooms, with noises of all kinds."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.data import augment
from espnet2_decodec.data.augment import RandomColumns
from espnet2_decodec.data.mixing import Batch
from research.separation.rooms import EARLY, Rooms, convolve
from research.tokens.audio_bank import AudioBank
from research.tokens.batches import SPEECH_WEIGHTS

HELD_OUT = {"noisekun": 0.0, "mycroft-bg": 0.0, "OpenSFX": 0.0}
"""Sources of noise that are for development alone."""

VOICES = {
    "speech-commands-bg/dude_miaowing": 0.0,
    "antum-mod-sounds/mermaid_song": 0.0,
    "antum-mod-sounds/undead_moan": 0.0,
    "antum-mod-sounds/zombie_growl": 0.0,
}
"""Labels of noise that are sounds of human voices: not background."""

AMBIENCE = (
    "blanket", "berlin_noise", "drunkentoast", "muges-ambientsounds", "rainyrain", "speech-commands-bg", "arabic-sc-bg",
    "megaglest",
)  # fmt: skip
"""Sources of noise that have no single events."""

NOISES = {"recorded": 0.38, "events": 0.22, "music": 0.13, "synthetic": 0.13, "babble": 0.14}
"""Probabilities of the kinds of noise."""


def unit_rms(wav: np.ndarray) -> np.ndarray:
    """An RMS of 1 over the samples within 20 dB of the mean power."""
    power = np.square(wav)
    active = power > 0.01 * power.mean()
    return wav / np.sqrt(power[active].mean() + 1e-12) if active.any() and power.mean() > 1e-12 else wav


def unit_mean_power(wav: np.ndarray) -> np.ndarray:
    """An RMS of 1 over all samples, so that short sounds are louder than by `unit_rms`; by 12 dB at most."""
    active = unit_rms(wav)
    return active / max(np.sqrt(np.square(active).mean() + 1e-12), 0.25)


class MixtureSampler:
    """Random mixtures. The target in a room is the direct sound and its first 50 ms; the rest is background.

    Args:
        bank: folder of the banks of `research.tokens.prepare_data`.
        snr: range in dB of the speech over the noises, over active samples.
        level: range in dBFS of the mixtures' RMS.
    """

    clean, noise_alone, reverberant, noise_reverberant, second = 0.06, 0.05, 0.25, 0.2, 0.3
    equalized, band_limited, clipped = 0.35, 0.07, 0.02

    def __init__(
        self, bank: str | Path, snr: tuple[float, float] = (-8.0, 25.0), level: tuple[float, float] = (-55.0, -6.0)
    ):
        self.speech = AudioBank(bank, "speech_train", SPEECH_WEIGHTS)
        self.recorded = AudioBank(bank, "noise_train", HELD_OUT | VOICES, balance=0.75)
        ambience = dict.fromkeys(AMBIENCE, 0.0)
        self.events = AudioBank(bank, "noise_train", HELD_OUT | VOICES | ambience, balance=0.9)
        self.music, self.rooms = AudioBank(bank, "music_train"), Rooms(bank)
        self.snr, self.level = snr, level

    def draw(self, count: int, length: int, random: np.random.Generator) -> Batch:
        """A batch of `count` items of `length` samples."""
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        pairs = [self._pair(length, random) for _ in range(count)]
        speech, late = (torch.from_numpy(np.stack(parts)) for parts in zip(*pairs))
        columns = RandomColumns(count, torch.device("cpu"), generator)
        noise = self._noises(count, length, random, columns)
        both = self._equalize(torch.stack([speech, late]), columns)
        noise = self._equalize(noise[None], columns)[0]
        low, high = self.snr
        gain = 10 ** (-(low + (high - low) * columns.uniform()) / 20)
        case = columns.uniform()
        noise = noise * gain * (case >= self.clean)
        has_speech = (case < self.clean) | (case >= self.clean + self.noise_alone)
        parts = torch.cat([both * has_speech, noise[None]])
        lowpass = augment.random_lowpass(columns, 16000, columns.bernoulli(self.band_limited))
        parts = torch.stack([lowpass(part) for part in parts])
        mixture = parts.sum(0)
        scale = 10 ** (columns.uniform(*self.level) / 20) / mixture.square().mean(1, keepdim=True).sqrt().clamp(
            min=1e-4
        )
        parts = parts * torch.minimum(scale, 0.98 / mixture.abs().amax(1, keepdim=True).clamp(min=1e-5))
        return Batch(parts[0], parts[1] + parts[2])

    def _pair(self, length: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Speech with early reflections, and its late reverberation."""
        wav = self.speech.segment(length, random) * random.choice((-1.0, 1.0))
        wav = unit_rms(wav.astype(np.float32))
        if random.random() >= self.reverberant:
            return wav.astype(np.float32), np.zeros(length, np.float32)
        response = self.rooms.draw(random)
        early, full = convolve(wav, response[:EARLY]), convolve(wav, response)
        scale = 1 / np.sqrt(np.square(early).mean() / (np.square(wav).mean() + 1e-12) + 1e-12)
        return (early * scale).astype(np.float32), ((full - early) * scale).astype(np.float32)

    def _noises(self, count: int, length: int, random: np.random.Generator, columns: RandomColumns) -> Tensor:
        """[count, length] of unit RMS."""
        synthetic = self._synthetic(length, columns).numpy()
        noises = []
        for i in range(count):
            noise = self._noise(synthetic[i], length, random)
            if random.random() < self.second:
                other = self._noise(synthetic[i - 1], length, random)
                noise = noise + other * 10 ** (random.uniform(-15, 0) / 20)
            if random.random() < self.noise_reverberant:
                noise = convolve(noise.astype(np.float32), self.rooms.draw(random))
            noises.append(unit_rms(noise) if random.random() < 0.6 else unit_mean_power(noise))
        return torch.from_numpy(np.stack(noises).astype(np.float32))

    def _noise(self, synthetic: np.ndarray, length: int, random: np.random.Generator) -> np.ndarray:
        kind = random.choice(list(NOISES), p=list(NOISES.values()))
        if kind == "synthetic":
            return unit_rms(synthetic)
        if kind == "babble":
            voices = [self.speech.segment(length, random) for _ in range(random.integers(4, 10))]
            return unit_rms(sum(unit_rms(v) * 10 ** (random.uniform(-4, 0) / 20) for v in voices))
        if kind == "events":
            return self._events(length, random)
        bank = self.music if kind == "music" else self.recorded
        wav = bank.segment(length, random)
        for _ in range(2):
            if np.square(wav).mean() > 1e-7:
                break
            wav = bank.segment(length, random)
        return unit_rms(wav[::-1] if random.random() < 0.1 else wav)

    def _events(self, length: int, random: np.random.Generator) -> np.ndarray:
        """One to four single sounds at random times, at up to 1.5 times the speed or as slow as by that."""
        noise = np.zeros(length, np.float32)
        for _ in range(random.integers(1, 5)):
            size = int(random.uniform(0.15, 1.0) * length)
            speed = 1.5 ** random.uniform(-1, 1)
            wav = self.events.segment(int(size * speed) + 2, random)
            wav = unit_rms(np.interp(np.arange(size) * speed, np.arange(len(wav)), wav).astype(np.float32))
            fade = min(400, size // 4)
            wav[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
            wav[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
            start = random.integers(length - size + 1)
            noise[start : start + size] += wav * 10 ** (random.uniform(-12, 0) / 20)
        return unit_rms(noise)

    def _synthetic(self, length: int, columns: RandomColumns) -> Tensor:
        """Colored noise, for half of the items with a slowly changing level, for some with clicks."""
        noise = augment.synthetic_noise(columns, length, 16000)
        noise = augment.equalize(columns, noise, columns.bernoulli(0.7), depth=20.0)
        count = length // 800 + 2
        slow = torch.nn.functional.interpolate(columns.normal(count)[:, None], size=length, mode="linear")[:, 0]
        noise = torch.where(columns.bernoulli(0.5), noise * torch.exp(columns.uniform(0.2, 1.5) * slow), noise)
        clicks = columns.normal(length) * (columns.uniform(width=length) < 10 ** columns.uniform(-4, -2.5)) * 20
        clicks = augment.equalize(columns, clicks, columns.bernoulli(0.8), depth=20.0)
        return torch.where(columns.bernoulli(0.15), clicks + 0.03 * noise, noise)

    def _equalize(self, parts: Tensor, columns: RandomColumns) -> Tensor:
        """The same random filter, and clipping of none, for all parts [M, B, L] of a stem."""
        count, batch, length = parts.shape
        apply = columns.bernoulli(self.equalized)
        gains = columns.uniform(-8.0, 8.0, 8)
        curve = torch.nn.functional.interpolate(gains[:, None], size=256, mode="linear", align_corners=True)[:, 0]
        position = torch.linspace(0, 1, length // 2 + 1) ** (1 / 3) * 255
        curve = 10 ** (curve[:, position.long()] / 20)
        filtered = torch.fft.irfft(torch.fft.rfft(parts) * curve, n=length)
        power = parts[0].square().mean(1, keepdim=True), filtered[0].square().mean(1, keepdim=True)
        filtered = filtered * ((power[0] + 1e-9) / (power[1] + 1e-9)).sqrt()
        return torch.where(apply, filtered, parts)
