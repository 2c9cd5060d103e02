"""Backgrounds of recordings that no training saw, alone and under speech, of the development set."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from research.separation.score import one_label
from research.tokens.audio_bank import AudioBank
from research.tokens.dev_set import Utterance, dev_set, gain_to_snr
from research.voice.kept_background import CLASS_SOURCE

BANK = "noise_dev"
SECONDS = 5
OTHERS = {"city": 4, "lincity": 8, "lincity_music": 6}
"""Label -> number of segments, of the sources whose labels are no classes."""


@dataclass(frozen=True)
class Case:
    """A background [L], the speech over it [L] or None, and the label of the background, None if it is no class."""

    background: Tensor
    speech: Tensor | None
    label: str | None

    @property
    def mixture(self) -> Tensor:
        """Samples [L]."""
        return self.background if self.speech is None else self.background + self.speech


def backgrounds(folder: Path, limit: int | None = None) -> list[tuple[Tensor, str | None]]:
    """Samples [L] of up to 5 s, and class or None; the first `limit` of a shuffled list, the same in each call."""
    bank, random = AudioBank(folder, BANK), np.random.default_rng(11)
    found: list[tuple[Tensor, str | None]] = []
    for source, label in sorted(bank.keys):
        if source == CLASS_SOURCE:
            found += [(bank.recording(i)[: SECONDS * 16000], label) for i in bank.members[source, label]]
            continue
        for _ in range(OTHERS.get(label, 0)):
            wav = one_label(bank, (source, label), SECONDS * 16000, random)
            found.append((torch.from_numpy(wav.astype(np.float32)), None))
    return [found[i] for i in random.permutation(len(found))[:limit]]


def cases(folder: Path, snr: float | None, limit: int | None = None) -> Iterator[Case]:
    """Yield backgrounds at their own level, or under the utterances of `dev_set`.

    Args:
        folder: of the banks of `research.tokens.prepare_data`.
        snr: dB of the mean powers, at the level of the speech unless that clips; None for no speech.
        limit: number of backgrounds; None for all.
    """
    utterances: list[Utterance] = [] if snr is None else dev_set(folder)
    for i, (wav, label) in enumerate(backgrounds(folder, limit)):
        if snr is None:
            yield Case(wav, None, label)
            continue
        speech = torch.nn.functional.pad(utterances[i % len(utterances)].wav, (0, len(wav)))[: len(wav)]
        speech, background = scaled_to_snr(speech, wav, snr)
        yield Case(background, speech, label)


def scaled_to_snr(speech: Tensor, background: Tensor, snr: float) -> tuple[Tensor, Tensor]:
    """Speech and background [L] at an SNR in dB, at the level of the speech unless their sum would clip."""
    background = gain_to_snr(speech, background, snr) * background
    scale = min(1.0, 0.98 / float((speech + background).abs().max().clamp(min=1e-9)))
    return scale * speech, scale * background
