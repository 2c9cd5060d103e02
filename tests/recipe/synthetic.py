"""A tiny corpus as users bring it: folders of hummed "speech", and of noise."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 16000


def write_corpus(folder: Path, labels: int = 3, count: int = 6, seconds: float = 1.6) -> None:
    """Write folder/speech/voice<n>/<m>.wav and folder/background/sound<n>/<m>.wav."""
    random = np.random.default_rng(0)
    for stream, label, make in (("speech", "voice", hum), ("background", "sound", noise)):
        for number in range(labels):
            place = folder / stream / f"{label}{number}"
            place.mkdir(parents=True)
            for item in range(count):
                soundfile.write(place / f"{item}.wav", make(random, seconds), RATE, subtype="PCM_16")


def hum(random: np.random.Generator, seconds: float) -> np.ndarray:
    """[L] of a gliding harmonic tone that comes and goes like syllables."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(random.uniform(100, 220) * (1 + 0.1 * np.sin(3 * time))) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 9))
    return 0.1 * tone * np.clip(np.sin(2 * np.pi * random.uniform(2, 4) * time), 0, 1)


def noise(random: np.random.Generator, seconds: float) -> np.ndarray:
    """[L] of filtered noise."""
    white = random.standard_normal(int(seconds * RATE))
    return 0.05 * np.convolve(white, np.ones(random.integers(2, 8)) / 4, "same")
