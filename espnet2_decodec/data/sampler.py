"""Recordings on disk, drawn so that every source gets its turn: for corpora that need not fit in memory."""

from collections import defaultdict
from collections.abc import Container
from pathlib import Path

import numpy as np
import soundfile

from espnet2_decodec.data.kaldi import read_table

Random = np.random.Generator


class Recordings:
    """What a wav.scp lists, and what the files beside it tell: utt2spk, utt2dur, utt2class, noisy_speakers.

    All of these are optional. A source is a speaker, or where backgrounds come from. Sources are drawn by a
    power of their duration, their recordings by duration; without utt2dur all recordings count alike.

    Args:
        scp: path of the wav.scp.
        sample_rate: Hz that all recordings must have.
        pause: range in seconds of the silence between two recordings of a source that are joined; the only
            recording of its source is then followed by silence. None joins without silence, and repeats the
            only recording of its source.
        evenness: 0 draws sources in proportion to their duration, 1 draws all alike.
        weights: class -> how often it is drawn; 1 for those left out.
        noisy: how often speakers listed in noisy_speakers are drawn.

    Raises:
        ValueError: if the wav.scp cannot be read, or its first recording has another sample rate.
    """

    def __init__(
        self,
        scp: str | Path,
        sample_rate: int = 16000,
        pause: tuple[float, float] | None = None,
        evenness: float = 0.5,
        weights: dict[str, float] | None = None,
        noisy: float = 0.3,
    ):
        self.scp, self.sample_rate, self.pause = Path(scp), sample_rate, pause
        self.paths = read_table(scp)
        self.names = list(self.paths)
        sources = self._beside("utt2spk")
        self.sources = {name: sources.get(name, name) for name in self.names}
        self.members = defaultdict(list)
        for name, source in self.sources.items():
            self.members[source].append(name)
        self.shares = self._shares(evenness, weights or {}, noisy)
        self._cumulative = self.shares.cumsum()
        check_rate(self.paths[self.names[0]], sample_rate)

    def __repr__(self) -> str:
        return f"Recordings({len(self.names)} of {len(self.members)} sources in {self.scp})"

    def draw(self, random: Random) -> str:
        """The name of a recording, with the probabilities `shares`."""
        place = int(np.searchsorted(self._cumulative, random.random()))
        return self.names[min(place, len(self.names) - 1)]

    def shares_of(self, names: Container[str]) -> dict[str, float]:
        """How often each of the recordings among `names` is drawn; their shares sum to 1.

        Raises:
            ValueError: if none is among them.
        """
        shares = {name: float(share) for name, share in zip(self.names, self.shares) if name in names}
        if not shares:
            raise ValueError(f"None of the wanted recordings is in {self.scp}.")
        total = sum(shares.values())
        return {name: share / total for name, share in shares.items()}

    def segment(self, name: str, length: int, random: Random, samples: np.ndarray | None = None) -> np.ndarray:
        """[length] float32 from a random place in a recording; further ones of its source follow a short one.

        Args:
            name: of the recording.
            length: in samples.
            random: source of all randomness.
            samples: [L] of the recording, where they are known already.

        Raises:
            ValueError: if a file is empty or has another sample rate.
        """
        if samples is None:
            with self._open(name) as file:
                file.seek(self._start(name, file.frames, length, random))
                first = _mono(file.read(length, dtype="float32", always_2d=True))
        else:
            start = self._start(name, len(samples), length, random)
            first = samples[start : start + length]
        parts, missing = [first], length - len(first)
        while missing > 0:
            parts.append(self._next(name, missing, random))
            missing -= len(parts[-1])
        return np.concatenate(parts).astype(np.float32)[:length]

    def read(self, name: str, count: int) -> np.ndarray:
        """Up to [count] float32 samples from the start of a recording, channels averaged."""
        with self._open(name) as file:
            return _mono(file.read(count, dtype="float32", always_2d=True))

    def _open(self, name: str) -> soundfile.SoundFile:
        file = soundfile.SoundFile(self.paths[name])
        if file.samplerate != self.sample_rate:
            file.close()
            raise ValueError(_wrong_rate(self.paths[name], file.samplerate, self.sample_rate))
        return file

    def _start(self, name: str, total: int, length: int, random: Random) -> int:
        """Where a segment of `length` begins in a recording of `total` samples."""
        if not total:
            raise ValueError(f"{name} of {self.scp} holds no samples.")
        return int(random.integers(total - length + 1 if total >= length else total))

    def _next(self, name: str, missing: int, random: Random) -> np.ndarray:
        """What follows recording `name`: a pause and another recording of its source, or silence."""
        others = self.members[self.sources[name]]
        if self.pause is None:
            part = self.read(others[random.integers(len(others))], missing)
        elif len(others) == 1:
            part = np.zeros(missing, np.float32)
        else:
            silence = np.zeros(int(random.uniform(*self.pause) * self.sample_rate), np.float32)
            part = np.concatenate([silence, self.read(others[random.integers(len(others))], missing)])
        if not len(part):
            raise ValueError(f"A recording of the source of {name} in {self.scp} holds no samples.")
        return part

    def _shares(self, evenness: float, weights: dict[str, float], noisy: float) -> np.ndarray:
        """[n] how often each recording is drawn; they sum to 1."""
        durations, classes = self._beside("utt2dur"), self._beside("utt2class")
        listed = self.scp.parent / "noisy_speakers"
        doubtful = set(listed.read_text(encoding="utf-8").split()) if listed.is_file() else set()
        seconds = {name: float(durations.get(name, 1.0)) for name in self.names}
        totals = {source: sum(seconds[name] for name in names) for source, names in self.members.items()}
        shares = np.array(
            [
                seconds[name]
                * totals[self.sources[name]] ** -evenness
                * weights.get(classes.get(name, ""), 1.0)
                * (noisy if self.sources[name] in doubtful else 1.0)
                for name in self.names
            ]
        )
        return shares / shares.sum()

    def _beside(self, name: str) -> dict[str, str]:
        """A table in the folder of the wav.scp; empty where there is none."""
        path = self.scp.parent / name
        return read_table(path) if path.is_file() else {}


def check_rate(path: str, sample_rate: int) -> None:
    """Refuse a recording of another sample rate.

    Raises:
        ValueError: if it has one, or cannot be read.
    """
    try:
        rate = soundfile.info(path).samplerate
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"{path} cannot be read as audio: {error}.") from error
    if rate != sample_rate:
        raise ValueError(_wrong_rate(path, rate, sample_rate))


def _mono(samples: np.ndarray) -> np.ndarray:
    """[L, C] -> [L], channels averaged."""
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(1)


def _wrong_rate(path: str, rate: int, wanted: int) -> str:
    return f"{path} has {rate} Hz, the codec works at {wanted} Hz: convert the corpus first."
