"""Segments of a wanted length out of a Kaldi set: prompts of one speaker in a row, backgrounds cut or looped."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.levels import FRAME_LENGTH, active_frames, trim_silence
from espnet2_decodec.io.audio import read

PAUSE = (0.1, 0.3)
"""Seconds between two prompts."""
CROSSFADE = 0.05
"""Seconds over which the loop of a short background fades into itself."""
SHORTEST = 0.25
"""Seconds that a recording must sound to be used."""
ENOUGH = 0.7
"""A place of a background is good enough when this share of it sounds, judged by the loudest frame of the recording."""
MISSES = 25
"""Prompts that may be passed over as too long before a segment is finished as it is, or one is cut."""


@dataclass(frozen=True)
class Segment:
    """Mono audio [L] float64, the ids of the recordings it is made of, and whether all of them are there uncut."""

    wav: np.ndarray
    sources: tuple[str, ...]
    whole: bool = True


class Source:
    """Recordings of a Kaldi folder, drawn in a seeded order, each group on its own.

    The groups are the classes of utt2class where the folder has it, otherwise the speakers or sources of utt2spk.

    Attributes:
        groups: their names, sorted.
        owners: id -> group.
        texts: transcripts by id, empty when the folder has none.

    Args:
        folder: of the set.
        seed: of the order.
        sample_rate: Hz of the segments; recordings of other rates are converted.

    Raises:
        ValueError: if the tables are not there, or do not agree.
    """

    def __init__(self, folder: str | Path, seed: int, sample_rate: int):
        folder = Path(folder)
        table = "utt2class" if (folder / "utt2class").is_file() else "utt2spk"
        self.paths, self.owners = read_table(folder / "wav.scp"), read_table(folder / table)
        if self.paths.keys() != self.owners.keys():
            raise ValueError(f"{folder}: wav.scp and {table} list different utterances.")
        self.texts = read_table(folder / "text") if (folder / "text").is_file() else {}
        self.folder, self.sample_rate = folder, sample_rate
        members: dict[str, list[str]] = {}
        for name in sorted(self.owners, key=str.encode):
            members.setdefault(self.owners[name], []).append(name)
        self.groups = sorted(members)
        orders = (np.random.default_rng([seed, i, 1]).permutation(len(members[g])) for i, g in enumerate(self.groups))
        self.queues = {g: deque(members[g][j] for j in order) for g, order in zip(self.groups, orders)}

    def speech(self, speaker: str, shortest: int, longest: int, rng: np.random.Generator) -> Segment:
        """Whole prompts of one speaker with pauses between them; one is cut only when nothing else fits.

        Args:
            shortest, longest: samples; the segment is between them.
            rng: of the pauses.

        Raises:
            ValueError: if no recording of the speaker sounds for long enough.
        """
        parts, names, passed, length, whole = [], [], [], 0, True
        for name, wav in self._recordings(speaker):
            pause = int(rng.uniform(*PAUSE) * self.sample_rate) if parts else 0
            room = longest - length - pause
            if room < SHORTEST * self.sample_rate:
                passed.append(name)
                break
            if len(wav) > room:
                if len(passed) < min(MISSES, len(self.queues[speaker])):
                    passed.append(name)
                    continue
                if length >= shortest:
                    break
                wav, whole = _cut(wav, room, self.sample_rate), False
            parts += [np.zeros(pause), wav]
            names.append(name)
            length += pause + len(wav)
        self._put_back(speaker, passed)
        wav = np.concatenate(parts)
        return Segment(np.pad(wav, (0, max(0, shortest - len(wav)))), tuple(names), whole)

    def background(self, group: str, length: int, rng: np.random.Generator) -> Segment:
        """One recording, cut where it sounds, or looped without a click when it is too short: [length].

        Args:
            length: samples.
            rng: of the place that is cut out.

        Raises:
            ValueError: if no recording of the group sounds for long enough.
        """
        name, wav = next(self._recordings(group))
        if len(wav) < length:
            looped = loop_to_length(torch.from_numpy(wav), length, crossfade=int(CROSSFADE * self.sample_rate))
            return Segment(looped.numpy(), (name,), False)
        busy = active_frames(wav).astype(float)
        loudest = (
            int(np.argmax(np.add.reduceat(np.square(wav), np.arange(0, len(wav), FRAME_LENGTH)))) * FRAME_LENGTH
            - length // 2
        )
        starts = [*rng.integers(0, len(wav) - length + 1, size=16), min(max(loudest, 0), len(wav) - length)]
        shares = [busy[start // FRAME_LENGTH : (start + length) // FRAME_LENGTH].mean() for start in starts]
        start = starts[int(np.argmax(np.minimum(shares, ENOUGH)))]
        return Segment(wav[start : start + length], (name,), False)

    def _recordings(self, group: str):
        """Endlessly (id, trimmed audio [L]) of a group; each goes to the end of the queue, silent ones leave it."""
        queue = self.queues[group]
        while queue:
            name = queue.popleft()
            wav = trim_silence(read(self.paths[name], self.sample_rate).double().numpy())
            if active_frames(wav).sum() * FRAME_LENGTH < SHORTEST * self.sample_rate:
                continue
            queue.append(name)
            yield name, wav
        raise ValueError(f"{self.folder}: no recording of {group} sounds for {SHORTEST} s or longer.")

    def _put_back(self, group: str, names: list[str]) -> None:
        """Let the recordings that were passed over be the next ones."""
        queue = self.queues[group]
        for name in reversed(dict.fromkeys(names)):
            queue.remove(name)
            queue.appendleft(name)


def _cut(wav: np.ndarray, length: int, sample_rate: int) -> np.ndarray:
    """The first `length` samples of [L], faded out over 10 ms."""
    ramp = np.linspace(1, 0, min(length, sample_rate // 100))
    return np.concatenate([wav[: length - len(ramp)], wav[length - len(ramp) : length] * ramp])
