"""Segments of a given length from a Kaldi set: joined recordings of one speaker, cut or looped backgrounds."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.data.kaldi import read_optional_table, read_table
from espnet2_decodec.data.levels import FRAME_LENGTH, active_frames, trim_silence
from espnet2_decodec.io.audio import read

PAUSE_SECONDS = (0.1, 0.3)
"""Range of the pause between two joined recordings."""
CROSSFADE_SECONDS = 0.05
"""Crossfade between the repetitions of a short background."""
MIN_ACTIVE_SECONDS = 0.25
"""Active duration below which a recording is not used."""
ACTIVE_SHARE = 0.7
"""Share of active frames from which a background segment is accepted."""
MAX_SKIPPED = 25
"""Recordings that may be skipped as too long before a segment ends, or one of them is cut."""


@dataclass(frozen=True)
class Segment:
    """Mono audio [L] float64, the ids of the recordings in it, and whether all of them are uncut."""

    wav: np.ndarray
    recordings: tuple[str, ...]
    whole: bool = True


class SegmentSource:
    """Recordings of a Kaldi folder, drawn in a seeded order within each group.

    The groups are the classes of utt2class where the folder has it, otherwise the speakers or sources of utt2spk.

    Attributes:
        groups: names of the groups, sorted.
        group_of: id -> group.
        texts: transcripts by id, empty when the folder has none.
        order: all ids in a seeded order.

    Args:
        folder: of the set.
        seed: of the order.
        sample_rate: Hz of the segments; recordings of other rates are converted.

    Raises:
        ValueError: if the tables do not exist, or do not agree.
    """

    def __init__(self, folder: str | Path, seed: int, sample_rate: int):
        folder = Path(folder)
        table = "utt2class" if (folder / "utt2class").is_file() else "utt2spk"
        self.paths, self.group_of = read_table(folder / "wav.scp"), read_table(folder / table)
        self.paths.require(self.group_of)
        self.group_of.require(self.paths)
        self.texts = read_optional_table(folder / "text")
        self.folder, self.sample_rate = folder, sample_rate
        members: dict[str, list[str]] = {}
        for name in sorted(self.group_of, key=str.encode):
            members.setdefault(self.group_of[name], []).append(name)
        self.groups, names = sorted(members), sorted(self.group_of, key=str.encode)
        self.order = [names[i] for i in np.random.default_rng([seed, 3]).permutation(len(names))]
        orders = (np.random.default_rng([seed, i, 1]).permutation(len(members[g])) for i, g in enumerate(self.groups))
        self._queues = {g: deque(members[g][j] for j in order) for g, order in zip(self.groups, orders)}

    def speech(self, speaker: str, shortest: int, longest: int, rng: np.random.Generator) -> Segment:
        """Whole recordings of one speaker with pauses between them; one is cut only when nothing else fits.

        Args:
            speaker: one of the groups.
            shortest: samples of the segment at least.
            longest: samples of the segment at most.
            rng: source of the pauses.

        Raises:
            ValueError: if no recording of the speaker is active for long enough.
        """
        parts: list[np.ndarray] = []
        names: list[str] = []
        skipped: list[str] = []
        length, whole = 0, True
        for name, wav in self._recordings(speaker):
            pause = int(rng.uniform(*PAUSE_SECONDS) * self.sample_rate) if parts else 0
            remaining = longest - length - pause
            if remaining < MIN_ACTIVE_SECONDS * self.sample_rate:
                skipped.append(name)
                break
            if len(wav) > remaining:
                if len(skipped) < min(MAX_SKIPPED, len(self._queues[speaker])):
                    skipped.append(name)
                    continue
                if length >= shortest:
                    break
                wav, whole = _cut(wav, remaining, self.sample_rate), False
            parts += [np.zeros(pause), wav]
            names.append(name)
            length += pause + len(wav)
        self._put_back(speaker, skipped)
        wav = np.concatenate(parts)
        return Segment(np.pad(wav, (0, max(0, shortest - len(wav)))), tuple(names), whole)

    def utterance(self, index: int) -> tuple[str, Segment]:
        """Group and whole recording of number `index` of `order`, without the silence at its ends.

        Raises:
            ValueError: if it is not active for long enough.
        """
        name = self.order[index]
        wav = self._read(name)
        if wav is None:
            raise ValueError(f"{self.folder}: {name} is not active for {MIN_ACTIVE_SECONDS} s or longer.")
        return self.group_of[name], Segment(wav, (name,))

    def background(self, group: str, length: int, rng: np.random.Generator) -> Segment:
        """One recording, cut where it is active, or looped with crossfades when it is too short: [length].

        Args:
            group: one of the groups.
            length: samples.
            rng: source of the position of the cut.

        Raises:
            ValueError: if no recording of the group is active for long enough.
        """
        name, wav = next(self._recordings(group))
        if len(wav) < length:
            crossfade = int(CROSSFADE_SECONDS * self.sample_rate)
            looped = loop_to_length(torch.from_numpy(wav), length, crossfade=crossfade)
            return Segment(looped.numpy(), (name,), False)
        active = active_frames(wav).astype(float)
        energies = np.add.reduceat(np.square(wav), np.arange(0, len(wav), FRAME_LENGTH))
        loudest = int(np.argmax(energies)) * FRAME_LENGTH - length // 2
        starts = [*rng.integers(0, len(wav) - length + 1, size=16), min(max(loudest, 0), len(wav) - length)]
        shares = [active[start // FRAME_LENGTH : (start + length) // FRAME_LENGTH].mean() for start in starts]
        start = starts[int(np.argmax(np.minimum(shares, ACTIVE_SHARE)))]
        return Segment(wav[start : start + length], (name,), False)

    def _recordings(self, group: str) -> Iterator[tuple[str, np.ndarray]]:
        """Endlessly (id, trimmed audio [L]) of a group; each goes to the end of the queue, silent ones leave it."""
        queue = self._queues[group]
        while queue:
            name = queue.popleft()
            wav = self._read(name)
            if wav is not None:
                queue.append(name)
                yield name, wav
        raise ValueError(f"{self.folder}: no recording of {group} is active for {MIN_ACTIVE_SECONDS} s or longer.")

    def _read(self, name: str) -> np.ndarray | None:
        """A recording [L] without the silence at its ends; None if it is not active for long enough."""
        wav = trim_silence(read(self.paths[name], self.sample_rate).double().numpy())
        is_active = active_frames(wav).sum() * FRAME_LENGTH >= MIN_ACTIVE_SECONDS * self.sample_rate
        return wav if is_active else None

    def _put_back(self, group: str, names: list[str]) -> None:
        """Put skipped recordings at the front of the queue."""
        queue = self._queues[group]
        for name in reversed(dict.fromkeys(names)):
            queue.remove(name)
            queue.appendleft(name)


def _cut(wav: np.ndarray, length: int, sample_rate: int) -> np.ndarray:
    """The first `length` samples of [L], faded out over 10 ms."""
    ramp = np.linspace(1, 0, min(length, sample_rate // 100))
    return np.concatenate([wav[: length - len(ramp)], wav[length - len(ramp) : length] * ramp])
