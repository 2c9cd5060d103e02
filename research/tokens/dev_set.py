"""The fixed development set: 30 recordings of 5 s, of voices and sources that are not in the training data."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from research.tokens.audio_bank import AudioBank

COUNTS = {"asterisk_en": 10, "tuxpaint_be": 3, "tuxpaint_da": 3}
SPEAKERS = {"speechocean762": 12, "arabic-speech-commands": 2}
ENGLISH = ("asterisk", "speechocean762")


class Utterance(NamedTuple):
    """A recording [L], its label, and whether it is English."""

    wav: Tensor
    label: str
    english: bool


def dev_set(bank: str | Path, seconds: float = 5.0) -> list[Utterance]:
    """Recordings of one label, concatenated to `seconds`; the same in each call."""
    found = AudioBank(bank, "speech_dev")
    random, utterances = np.random.default_rng(1), []
    counts = {key: COUNTS.get(key[1], 0) for key in found.keys}
    for source, most in SPEAKERS.items():
        counts |= {key: 1 for key in [k for k in found.keys if k[0] == source][:most]}
    for key in sorted(found.keys):
        order = list(random.permutation(found.members[key]))
        for _ in range(counts[key]):
            parts, total = [], 0
            while total < seconds * 16000 and order:
                part = found.recording(order.pop())
                parts += [part, torch.zeros(1600)]
                total += len(part) + 1600
            utterances.append(Utterance(torch.cat(parts)[: int(16000 * (seconds + 2))], key[1], key[0] in ENGLISH))
    return utterances


def mixed(utterances: list[Utterance], bank: str | Path, snr: float) -> list[Tensor]:
    """Each utterance with a noise of the development set at `snr` dB; the same in each call."""
    noise, random, out = AudioBank(bank, "noise_dev"), np.random.default_rng(2), []
    for utterance in utterances:
        other = torch.from_numpy(noise.segment(len(utterance.wav), random))
        gain = (utterance.wav.square().mean() / other.square().mean().clamp(min=1e-9)).sqrt() * 10 ** (-snr / 20)
        out.append(utterance.wav + gain * other)
    return out
