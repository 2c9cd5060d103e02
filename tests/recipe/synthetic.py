"""A tiny corpus in Kaldi data directories: hummed "speech" of two speakers, and two kinds of noise."""

from pathlib import Path

import numpy as np
import soundfile

from local import kaldi

RATE = 16000


def write_corpus(data: Path, splits: dict[str, int], seconds: float = 1.6) -> None:
    """Write data/speech_<split> and data/background_<split>, with 2 x `splits[split]` recordings each."""
    random = np.random.default_rng(0)
    for split, count in splits.items():
        for stream, labels in (("speech", ("anna", "otto")), ("background", ("rain", "engine"))):
            utterances = []
            for label in labels:
                for number in range(count):
                    name = f"{label}-{split}{number:02d}"
                    path = data / "wav" / f"{name}.wav"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    samples = hum(random, seconds) if stream == "speech" else noise(random, seconds)
                    soundfile.write(path, samples, RATE, subtype="PCM_16")
                    sound = "environment" if stream == "background" else ""
                    utterances.append(kaldi.Utterance(name, path, label, seconds, sound=sound))
            kaldi.write(data / f"{stream}_{split}", utterances)


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
