"""Room impulse responses, measured or simulated; direct sound and early reflections are the target."""

from pathlib import Path

import numpy as np

from research.tokens.audio_bank import AudioBank

EARLY = 800
"""Samples after the direct sound, 50 ms, that belong to the target."""


def convolve(wav: np.ndarray, response: np.ndarray) -> np.ndarray:
    """[L], [R] -> [L]."""
    size = 1 << (len(wav) + len(response) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(wav, size) * np.fft.rfft(response, size), size)[: len(wav)].astype(np.float32)


class Rooms:
    """Impulse responses whose direct sound is their first sample, of amplitude 1.

    Args:
        bank: folder of the banks.
        measured: share of the measured ones.
    """

    def __init__(self, bank: str | Path, measured: float = 0.3, name: str = "rir_train"):
        self.bank, self.measured = AudioBank(bank, name), measured

    def draw(self, random: np.random.Generator) -> np.ndarray:
        """[R] float32."""
        return self._measured(random) if random.random() < self.measured else self.simulated(random)

    def _measured(self, random: np.random.Generator) -> np.ndarray:
        members = self.bank.members[self.bank.keys[random.integers(len(self.bank.keys))]]
        response = self.bank.recording(members[random.integers(len(members))]).numpy()[:16000]
        peak = int(np.abs(response).argmax())
        return response[peak:] / response[peak]

    def simulated(self, random: np.random.Generator) -> np.ndarray:
        """Direct sound, sparse early reflections, and a tail of decaying noise."""
        decay = float(random.uniform(0.12, 0.9))
        length = int(16000 * min(decay, 0.8))
        time = np.arange(length) / 16000
        tail = random.standard_normal(length) * 10 ** (-3 * time / decay)
        density = np.clip(time / 0.05, 0.02, 1.0)  # reflections become denser
        tail *= random.random(length) < density
        tail[: int(16000 * random.uniform(0.001, 0.008))] = 0
        ratio = 10 ** (random.uniform(-2.0, 14.0) / 20)  # direct over reverberant
        tail *= 1 / (ratio * np.sqrt(np.square(tail).sum()) + 1e-9)
        tail[0] = 1.0
        return tail.astype(np.float32)
