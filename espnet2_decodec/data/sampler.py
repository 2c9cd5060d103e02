"""Random segments of recordings, balanced over sources: from memory for the plain loop, from disk for ESPnet's."""

import logging
import math
import os
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import torch
from torch import Generator, Tensor

from espnet2_decodec.data.kaldi import Table, read_optional_table, read_table
from espnet2_decodec.data.segment_sampler import SegmentSampler
from espnet2_decodec.io.audio import AudioReader, check_samples, read
from espnet2_decodec.io.errors import EmptyAudioError, FileError
from espnet2_decodec.io.pcm16 import to_pcm16
from espnet2_decodec.progress import progress

log = logging.getLogger(__name__)

CLASS_WEIGHTS = {"music": 0.3}
"""Relative frequency of classes of backgrounds; 1 for all others."""
NOISY_WEIGHT = 0.3
"""Relative frequency of the speakers listed in noisy_speakers."""


class RecordingList:
    """Recordings of a wav.scp with the optional files beside it: utt2spk, utt2dur, utt2class, noisy_speakers.

    A source is a speaker, or where a background comes from; without utt2spk every recording is its own source.

    Args:
        scp: path of the wav.scp.
        class_weights: class -> relative frequency; 1 for those left out.
        noisy_weight: relative frequency of the speakers listed in noisy_speakers.

    Raises:
        ValueError: if a table cannot be read.
    """

    def __init__(
        self, scp: str | Path, class_weights: Mapping[str, float] | None = None, noisy_weight: float = NOISY_WEIGHT
    ):
        self.scp = Path(scp)
        self.paths = read_table(scp)
        sources, durations, classes = (
            read_optional_table(self.scp.parent / name) for name in ("utt2spk", "utt2dur", "utt2class")
        )
        noisy_file = self.scp.parent / "noisy_speakers"
        noisy = set(noisy_file.read_text(encoding="utf-8").split()) if noisy_file.is_file() else set()
        for table in (sources, durations):
            if table:
                table.require(self.paths)
        self.durations = {name: _duration(durations, name) for name in durations}
        self.source_of = {name: sources.get(name, name) for name in self.paths}
        self.members: dict[str, list[str]] = defaultdict(list)
        for name, source in self.source_of.items():
            self.members[source].append(name)
        self.weights = {
            name: (class_weights or {}).get(classes.get(name, ""), 1.0) * (noisy_weight if source in noisy else 1.0)
            for name, source in self.source_of.items()
        }

    def probabilities(self, balance_exponent: float) -> np.ndarray:
        """Probability [n] of each recording; without utt2dur all recordings count as equally long.

        Args:
            balance_exponent: as in `DiskSegmentSampler`.
        """
        seconds = {name: self.durations.get(name, 1.0) for name in self.paths}
        totals = {source: sum(seconds[name] for name in names) for source, names in self.members.items()}
        shares = np.array(
            [
                seconds[name] * totals[source] ** -balance_exponent * self.weights[name]
                for name, source in self.source_of.items()
            ]
        )
        return shares / shares.sum()


class MemorySegmentSampler:
    """Segments from recordings in memory, as 16-bit samples: 10 hours take 1.2 GB.

    The recordings of each source are joined to one track. A segment may contain the joint of two recordings of one
    speaker, so that short recordings become sequences of recordings.

    Args:
        tracks: source -> [L] int16.
        weights: source -> relative frequency; 1 for those left out.
        balance_exponent: 0 draws sources in proportion to their duration, 1 draws all uniformly.

    Raises:
        ValueError: if there are no samples.
    """

    def __init__(
        self, tracks: Mapping[str, Tensor], weights: Mapping[str, float] | None = None, balance_exponent: float = 0.5
    ):
        sources = sorted(source for source, track in tracks.items() if len(track))
        if not sources:
            raise ValueError("There are no recordings to draw from.")
        lengths = [len(tracks[source]) for source in sources]
        self.samples = torch.cat([tracks[source] for source in sources])
        self.lengths = torch.tensor(lengths)
        self.starts = self.lengths.cumsum(0) - self.lengths
        shares = [(weights or {}).get(source, 1.0) * n ** (1 - balance_exponent) for source, n in zip(sources, lengths)]
        self.cumulative = torch.tensor(shares, dtype=torch.float64).cumsum(0) / sum(shares)

    @classmethod
    def from_directory(
        cls, folder: str | Path, sample_rate: int = 16000, threads: int = 4, balance_exponent: float = 0.5
    ) -> "MemorySegmentSampler":
        """Read a Kaldi directory, see `RecordingList`.

        Args:
            folder: with mono recordings.
            sample_rate: Hz that all recordings must have.
            threads: that read files.
            balance_exponent: as above.

        Raises:
            ValueError: if a table or a recording cannot be used.
        """
        recordings = RecordingList(Path(folder) / "wav.scp", CLASS_WEIGHTS)
        tracks: dict[str, list[Tensor]] = defaultdict(list)
        silent: list[str] = []
        with ThreadPoolExecutor(threads) as pool:
            audio = pool.map(lambda path: _read_int16(path, sample_rate), recordings.paths.values())
            names = progress(recordings.paths, desc=f"reading {Path(folder).name}")
            for name, samples in zip(names, audio):
                tracks[recordings.source_of[name]].append(samples)
                if not samples.any():
                    silent.append(name)
        if silent:
            log.warning("%s: %d recordings are silent, such as %s.", recordings.scp, len(silent), silent[0])
        weights = {recordings.source_of[name]: weight for name, weight in recordings.weights.items()}
        return cls({source: torch.cat(parts) for source, parts in tracks.items()}, weights, balance_exponent)

    def to(self, device: torch.device | str) -> "MemorySegmentSampler":
        """Move the samples to the device where segments are used."""
        self.samples, self.lengths = self.samples.to(device), self.lengths.to(device)
        self.starts, self.cumulative = self.starts.to(device), self.cumulative.to(device)
        return self

    def draw(self, count: int, length: int, generator: Generator | None = None) -> Tensor:
        """Random segments [count, length] float; a track shorter than that is repeated."""
        device = self.samples.device
        pick = torch.rand(count, device=device, dtype=torch.float64, generator=generator)
        track = torch.searchsorted(self.cumulative, pick).clamp(max=len(self.cumulative) - 1)
        lengths, starts = self.lengths[track], self.starts[track]
        position = torch.rand(count, device=device, dtype=torch.float64, generator=generator)
        max_offset = torch.where(lengths > length, lengths - length, lengths)
        first = (position * max_offset).long()
        index = (first[:, None] + torch.arange(length, device=device)) % lengths[:, None]
        return self.samples[starts[:, None] + index].float() / 32768


class DiskSegmentSampler(SegmentSampler[str]):
    """Segments from recordings on disk, for corpora that need not fit in memory.

    Sources are drawn by a power of their duration, their recordings by duration.

    Args:
        scp: path of the wav.scp, see `RecordingList`.
        sample_rate: Hz that all recordings must have.
        pause: see `SegmentSampler`.
        balance_exponent: 0 draws sources in proportion to their duration, 1 draws all uniformly.
        class_weights: class -> relative frequency; 1 for those left out.
        noisy_weight: relative frequency of the speakers listed in noisy_speakers.

    Raises:
        ValueError: if the wav.scp cannot be read, or its first recording has another sample rate.
    """

    def __init__(
        self,
        scp: str | Path,
        sample_rate: int = 16000,
        pause: tuple[float, float] | None = None,
        balance_exponent: float = 0.5,
        class_weights: Mapping[str, float] | None = None,
        noisy_weight: float = NOISY_WEIGHT,
    ):
        self.recordings = RecordingList(scp, class_weights, noisy_weight)
        probabilities = self.recordings.probabilities(balance_exponent)
        super().__init__(list(self.recordings.paths), probabilities, sample_rate, pause)
        self._frames(self.names[0])

    def __repr__(self) -> str:
        sources = len(self.recordings.members)
        return f"DiskSegmentSampler({len(self.names)} of {sources} sources in {self.recordings.scp})"

    def probabilities_among(self, names: Container[str]) -> dict[str, float]:
        """Probability of each of the recordings among `names`; they sum to 1.

        Raises:
            ValueError: if none of the recordings is among them.
        """
        shares = {name: float(share) for name, share in zip(self.names, self.probabilities) if name in names}
        if not shares:
            raise ValueError(f"None of the wanted recordings is in {self.recordings.scp}.")
        total = sum(shares.values())
        return {name: share / total for name, share in shares.items()}

    def _frames(self, name: str) -> int:
        """Number of samples of a recording whose file was checked."""
        path = self.recordings.paths[name]
        rate, frames, _ = _check(path)
        if rate != self.sample_rate:
            raise ValueError(
                f"{path} has {rate} Hz, the codec works at {self.sample_rate} Hz: convert the corpus first."
            )
        return frames

    def _read(self, name: str, count: int, start: int = 0) -> np.ndarray:
        """Up to [count] float32 samples of a recording from a position on, channels averaged."""
        path = self.recordings.paths[name]
        if not self._frames(name):
            return np.zeros(0, np.float32)
        if not _check(path).is_seekable:
            return read(path).numpy()[start : start + count]
        try:
            with soundfile.SoundFile(os.fsencode(path)) as file:
                file.seek(start)
                samples = file.read(count, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise ValueError(f"{path} cannot be read as audio: {error}.") from error
        wav = samples[:, 0] if samples.shape[1] == 1 else samples.mean(1)
        check_samples(path, wav, self.sample_rate, start / self.sample_rate)
        return wav

    def _members(self, name: str) -> Sequence[str]:
        return self.recordings.members[self.recordings.source_of[name]]

    def _place(self, name: str) -> str:
        return self.recordings.paths[name]


class _Checked(NamedTuple):
    sample_rate: int
    frames: int
    is_seekable: bool


@lru_cache(maxsize=2**17)
def _check(path: str) -> _Checked:
    """Check that a file is whole audio, and count its samples, by decoding where libsndfile cannot seek."""
    try:
        reader = AudioReader(path)
    except EmptyAudioError:
        return _Checked(0, 0, True)
    except FileError as error:
        raise ValueError(f"{path} cannot be read as audio: {error}") from error
    frames = reader.frames if reader.is_seekable and reader.frames else sum(map(len, reader))
    return _Checked(reader.source_rate, frames, reader.is_seekable)


def _read_int16(path: str, sample_rate: int) -> Tensor:
    """Read a mono recording as int16 samples [L]; floats are scaled by 32768, rounded and clipped."""
    reader = AudioReader(path)
    if reader.source_rate != sample_rate or reader.channels != 1:
        raise ValueError(f"{path} is not mono at {sample_rate} Hz: prepare the corpus with local/data.sh.")
    return torch.cat([torch.from_numpy(to_pcm16(wav.numpy())) for wav in reader])


def _duration(table: Table, name: str) -> float:
    """Seconds of a recording in utt2dur."""
    try:
        seconds = float(table[name])
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"{table.path}, line {table.lines[name]}: {table[name]!r} is not a duration in seconds.")
    return seconds
