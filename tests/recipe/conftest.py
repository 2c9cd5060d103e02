"""Runs of the recipe in a temporary folder, and tiny corpora for it: harmonic tones as speech, and noise."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile

RECIPE = Path(__file__).resolve().parents[2] / "egs2" / "decodec"
RATE = 16000


@dataclass
class Recipe:
    """A folder in which the recipe is run.

    Attributes:
        folder: for data, dump and experiments.
        shared: options of all runs.
        pattern: glob pattern of the experiment's name.
        variables: further environment variables.
        first: output of the first run.
    """

    folder: Path
    shared: Sequence[str]
    pattern: str
    variables: Mapping[str, str] = field(default_factory=dict)
    first: str = ""

    def run(self, *options: str) -> subprocess.CompletedProcess:
        """Run run.sh with the shared options and `options`, of which the last ones win."""
        places = [part for name in ("data", "dump", "exp") for part in (f"--{name}dir", str(self.folder / name))]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "VIRTUAL_ENV": sys.prefix, **self.variables}
        command = [RECIPE / "run.sh", "--size", "own", "--ngpu", "0", *places, *self.shared, *options]
        return subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, check=False)

    def started(self) -> "Recipe":
        """Run the shared options, which must succeed, and return itself."""
        done = self.run()
        assert done.returncode == 0, done.stdout + done.stderr
        self.first = done.stdout
        return self

    @property
    def exp(self) -> Path:
        """The folder of the experiment."""
        (found,) = (self.folder / "exp").glob(self.pattern)
        return found


@pytest.fixture(scope="session")
def new_recipe() -> type[Recipe]:
    """Constructor of a recipe folder."""
    return Recipe


@pytest.fixture(scope="session")
def write_corpus() -> Callable[..., None]:
    """Writes folders of recordings as users have them."""
    return corpus


@pytest.fixture(scope="session")
def write_sets() -> Callable[..., None]:
    """Writes data directories as stage 1 does."""
    return sets


def corpus(folder: Path, labels: int = 3, count: int = 6, seconds: float = 1.6) -> None:
    """Write folder/speech/voice<n>/<m>.wav and folder/background/sound<n>/<m>.wav."""
    random = np.random.default_rng(0)
    for stream, label, make in (("speech", "voice", tone), ("background", "sound", noise)):
        for number in range(labels):
            place = folder / stream / f"{label}{number}"
            place.mkdir(parents=True)
            for item in range(count):
                soundfile.write(place / f"{item}.wav", make(random, seconds), RATE, subtype="PCM_16")


def tone(random: np.random.Generator, seconds: float) -> np.ndarray:
    """A harmonic tone [L] with gliding f0 and a syllabic envelope."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(random.uniform(100, 220) * (1 + 0.1 * np.sin(3 * time))) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 9))
    return 0.1 * tone * np.clip(np.sin(2 * np.pi * random.uniform(2, 4) * time), 0, 1)


def noise(random: np.random.Generator, seconds: float) -> np.ndarray:
    """Filtered noise [L]."""
    white = random.standard_normal(int(seconds * RATE))
    return 0.05 * np.convolve(white, np.ones(random.integers(2, 8)) / 4, "same")


def sets(folder: Path, counts: Mapping[str, int], seconds: float) -> None:
    """Write folder/<stream>_<split> for each of `counts`: a tone with transcript, or noise.

    Training has another speaker than the other splits.
    """
    random = np.random.default_rng(0)
    time = np.arange(int(seconds * RATE)) / RATE
    for stream, count in counts.items():
        place = folder / stream
        place.mkdir(parents=True)
        split = stream.partition("_")[2]
        names = [f"{split}-{i:02d}" for i in range(count)]
        for i, name in enumerate(names):
            samples = 0.3 * np.sin(2 * np.pi * (100 + 10 * i) * time) * np.sin(9 * time) ** 2
            wav = samples if stream.startswith("speech") else 0.1 * random.standard_normal(20000)
            soundfile.write(place / f"{name}.wav", wav, RATE)
        speaker = "x" if split == "train" else "y"
        values = {"wav.scp": f"{place}/{{}}.wav", "utt2spk": speaker, "utt2dur": f"{seconds:g}", "text": "Ding, dong!"}
        for table, value in values.items():
            (place / table).write_text("".join(f"{name} {value.format(name)}\n" for name in names))
