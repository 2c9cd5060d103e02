"""Target speakers of voice conversion, and the prompts that they are given by."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.io.audio import read


@dataclass(frozen=True)
class TargetSpeakers:
    """Prompts of speakers at 16 kHz, in two parts without a common recording.

    Attributes:
        references: speaker -> [L], the reference of a conversion.
        held_out: speaker -> [L], what speaker similarity is measured with.
    """

    references: dict[str, Tensor] = field(default_factory=dict)
    held_out: dict[str, Tensor] = field(default_factory=dict)


def read_target_speakers(
    folders: Sequence[str | Path], speakers: Sequence[str], seconds: float, seed: int = 0
) -> TargetSpeakers:
    """Prompts out of the longer half of each speaker's recordings, in a seeded order.

    Args:
        folders: Kaldi directories of clean speech; each speaker is taken from the first that has it.
        speakers: to be read.
        seconds: least duration of each part.
        seed: of the order.

    Raises:
        ValueError: if a speaker is in none of the folders, or has too little speech.
    """
    owners = {Path(folder): read_table(Path(folder) / "utt2spk") for folder in folders}
    found = TargetSpeakers()
    for speaker in speakers:
        folder = next((folder for folder, table in owners.items() if speaker in table.values()), None)
        if folder is None:
            raise ValueError(f"{', '.join(map(str, folders))} has no speaker {speaker!r}.")
        prompts = _long_recordings(folder, [key for key, owner in owners[folder].items() if owner == speaker], seed)
        for part in (found.references, found.held_out):
            wavs: list[Tensor] = []
            while sum(map(len, wavs)) < seconds * SAMPLE_RATE:
                path = next(prompts, None)
                if path is None:
                    raise ValueError(f"Speaker {speaker} of {folder} has less than twice {seconds:g} s of speech.")
                wavs.append(read(path, SAMPLE_RATE))
            part[speaker] = torch.cat(wavs)
    return found


def choose_target_speakers(
    folders: Sequence[str | Path], sources: Collection[str], seconds: float, count: int
) -> list[str]:
    """Speakers with enough speech for `read_target_speakers` who are not the only source.

    Those of the first folders come first, and in each folder those with the most speech.

    Args:
        folders: Kaldi directories of clean speech.
        sources: speakers of the recordings that are converted.
        seconds: least duration of each part.
        count: of speakers at most.
    """
    chosen: list[str] = []
    for folder in folders:
        owners, durations = (read_table(Path(folder) / name) for name in ("utt2spk", "utt2dur"))
        speech: dict[str, float] = {}
        for key, owner in owners.items():
            speech[owner] = speech.get(owner, 0.0) + float(durations[key])
        for speaker in sorted(speech, key=lambda speaker: (-speech[speaker], speaker)):
            if len(chosen) == count:
                return chosen
            if speaker in chosen or not set(sources) - {speaker} or speech[speaker] < 2 * seconds:
                continue
            try:
                read_target_speakers([folder], [speaker], seconds)
            except ValueError:
                continue
            chosen.append(speaker)
    return chosen


def _long_recordings(folder: Path, keys: Sequence[str], seed: int) -> Iterator[str]:
    """Paths of the longer half of recordings, in a seeded order."""
    paths, durations = (read_table(folder / name) for name in ("wav.scp", "utt2dur"))
    keys = sorted(sorted(keys), key=lambda key: float(durations[key]))[len(keys) // 2 :]
    return (paths[keys[place]] for place in np.random.default_rng(seed).permutation(len(keys)))
