"""Whose voices recordings are converted to, and by which of their prompts."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.evaluation.metrics.recognizers import RATE
from espnet2_decodec.io.audio import read


@dataclass(frozen=True)
class Voices:
    """Prompts of speakers, in two parts that have none in common.

    Attributes:
        references: speaker -> [L] at 16 kHz, what a conversion hears.
        others: speaker -> [L] at 16 kHz, what similarity is measured with.
    """

    references: dict[str, Tensor]
    others: dict[str, Tensor]


def voices(folders: Sequence[str | Path], speakers: Sequence[str], seconds: float, seed: int = 0) -> Voices:
    """Prompts of Kaldi folders in a seeded order, until a part has so many seconds; the longer half of them only.

    Each speaker is taken of the first folder that has it.

    Raises:
        ValueError: if a speaker is not there, or has not enough to say.
    """
    owners = {Path(folder): read_table(Path(folder) / "utt2spk") for folder in folders}
    found = Voices({}, {})
    for speaker in speakers:
        folder = next((folder for folder, table in owners.items() if speaker in table.values()), None)
        if folder is None:
            raise ValueError(f"{', '.join(map(str, folders))} has no speaker {speaker!r}.")
        prompts = _prompts(folder, [key for key, owner in owners[folder].items() if owner == speaker], seed)
        for part in (found.references, found.others):
            wavs: list[Tensor] = []
            while sum(map(len, wavs)) < seconds * RATE:
                path = next(prompts, None)
                if path is None:
                    raise ValueError(f"{speaker} of {folder} has not twice {seconds:g} s to say.")
                wavs.append(read(path, RATE))
            part[speaker] = torch.cat(wavs)
    return found


def choose(folders: Sequence[str | Path], sources: Collection[str], seconds: float, most: int) -> list[str]:
    """Speakers that have enough to say for `voices`, and that not all sources are: of the first folders first, and there those
    with most to say.

    Args:
        folders: of Kaldi.
        sources: the speakers of what is converted.
        seconds: of a part.
        most: speakers.
    """
    found: list[str] = []
    for folder in folders:
        owners, durations = (read_table(Path(folder) / name) for name in ("utt2spk", "utt2dur"))
        speech: dict[str, float] = {}
        for key, owner in owners.items():
            speech[owner] = speech.get(owner, 0.0) + float(durations[key])
        for speaker in sorted(speech, key=lambda speaker: (-speech[speaker], speaker)):
            if len(found) == most:
                return found
            if speaker in found or not set(sources) - {speaker} or speech[speaker] < 2 * seconds:
                continue
            try:
                voices([folder], [speaker], seconds)
            except ValueError:
                continue
            found.append(speaker)
    return found


def _prompts(folder: Path, keys: Sequence[str], seed: int) -> Iterator[str]:
    """Paths of the longer half of recordings, in a seeded order."""
    paths, durations = (read_table(folder / name) for name in ("wav.scp", "utt2dur"))
    keys = sorted(sorted(keys), key=lambda key: float(durations[key]))[len(keys) // 2 :]
    return (paths[keys[place]] for place in np.random.default_rng(seed).permutation(len(keys)))
