"""All recordings of a corpus in memory, for drawing random segments as fast as training takes them."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Generator, Tensor


class Bank:
    """Recordings of one label (speaker or background source) joined to one track, as 16-bit samples.

    A segment may run over the joint of two recordings of one speaker: short prompts become natural sequences
    of prompts. 10 hours take 1.2 GB.

    Args:
        tracks: label -> [samples] int16.
        weights: label -> how often it is drawn, relative to others of its length; 1 for labels left out.
        evenness: 0 draws in proportion to a track's length, 1 draws all tracks alike.
    """

    def __init__(self, tracks: dict[str, Tensor], weights: dict[str, float] | None = None, evenness: float = 0.5):
        self.labels = sorted(label for label, track in tracks.items() if len(track))
        if not self.labels:
            raise ValueError("There are no recordings to draw from.")
        lengths = [len(tracks[label]) for label in self.labels]
        self.samples = torch.cat([tracks[label] for label in self.labels])
        self.lengths = torch.tensor(lengths)
        self.starts = self.lengths.cumsum(0) - self.lengths
        shares = [(weights or {}).get(label, 1.0) * n ** (1 - evenness) for label, n in zip(self.labels, lengths)]
        self.shares = torch.tensor(shares, dtype=torch.float64).cumsum(0) / sum(shares)

    @classmethod
    def from_directory(
        cls, folder: str | Path, weigh: Callable[[str, str], float] | None = None, threads: int = 4
    ) -> "Bank":
        """Read a Kaldi-style directory (wav.scp, utt2spk, maybe utt2class and noisy_speakers).

        Args:
            folder: with recordings of 16 kHz, one channel.
            weigh: (label, class) -> weight; by default noisy speakers and music count 0.3.
            threads: that read files.

        Raises:
            FileNotFoundError: if wav.scp or utt2spk is not there.
        """
        folder = Path(folder)
        wavs, speakers = _table(folder / "wav.scp"), _table(folder / "utt2spk")
        classes = _table(folder / "utt2class") if (folder / "utt2class").exists() else {}
        noisy = set((folder / "noisy_speakers").read_text().split()) if (folder / "noisy_speakers").exists() else set()
        weigh = weigh or (lambda label, kind: 0.3 if label in noisy or kind == "music" else 1.0)
        with ThreadPoolExecutor(threads) as pool:
            audio = dict(zip(wavs, pool.map(_read, wavs.values())))
        tracks, weights = defaultdict(list), {}
        for name, samples in audio.items():
            tracks[speakers[name]].append(samples)
            weights[speakers[name]] = weigh(speakers[name], classes.get(name, ""))
        return cls({label: torch.cat(parts) for label, parts in tracks.items()}, weights)

    def to(self, device: torch.device | str) -> "Bank":
        """Move the samples, so that segments are drawn where they are used."""
        self.samples, self.lengths = self.samples.to(device), self.lengths.to(device)
        self.starts, self.shares = self.starts.to(device), self.shares.to(device)
        return self

    def draw(self, count: int, length: int, generator: Generator | None = None) -> Tensor:
        """[count, length] float segments; a track shorter than that is repeated."""
        device = self.samples.device
        pick = torch.rand(count, device=device, dtype=torch.float64, generator=generator)
        track = torch.searchsorted(self.shares, pick).clamp(max=len(self.labels) - 1)
        lengths, starts = self.lengths[track], self.starts[track]
        where = torch.rand(count, device=device, dtype=torch.float64, generator=generator)
        room = torch.where(lengths > length, lengths - length, lengths)
        first = (where * room).long()
        index = (first[:, None] + torch.arange(length, device=device)) % lengths[:, None]
        return self.samples[starts[:, None] + index].float() / 32768


def _table(path: Path) -> dict[str, str]:
    """A Kaldi text file: first field -> rest of the line."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: prepare the corpus first (local/data.sh).")
    lines = (line.split(maxsplit=1) for line in path.read_text().splitlines() if line.strip())
    return {name: rest.strip() for name, rest in lines}


def _read(path: str) -> Tensor:
    """A 16 kHz recording as int16 samples.

    Raises:
        ValueError: if it has another sample rate or several channels.
    """
    import soundfile

    samples, rate = soundfile.read(path, dtype="int16")
    if rate != 16000 or samples.ndim != 1:
        raise ValueError(f"{path} is not 16 kHz mono: prepare the corpus with local/data.sh.")
    return torch.from_numpy(samples)
