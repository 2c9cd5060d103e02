"""Fixed sets of recordings of voices and sources that are not in the training data.

The development set is for decisions, and a larger set of English recordings for those that rest on words; the final set
is scored once, at the end.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from research.tokens.audio_bank import AudioBank

COUNTS = {"asterisk_en": 10, "tuxpaint_be": 3, "tuxpaint_da": 3}
SPEAKERS = {"speechocean762": 12, "arabic-speech-commands": 2}
ENGLISH = ("asterisk", "speechocean762", "alphanumeric-audio")
FINAL = {"speech_final_alphanumeric": 10, "speech_final_malayalam": 8, "speech_final_speechocean": 12}
"""Banks of the final set, and the number of voices of each."""


ENGLISH_COUNTS = {"asterisk": 40, "speechocean762": 1}
"""Recordings of each English voice of a source in the larger set."""


class Utterance(NamedTuple):
    """A recording [L], its label, and whether it is English."""

    wav: Tensor
    label: str
    english: bool


def dev_set(bank: str | Path, seconds: float = 5.0) -> list[Utterance]:
    """30 recordings of one label each, concatenated to `seconds`; the same in each call."""
    found = AudioBank(bank, "speech_dev")
    random, utterances = np.random.default_rng(1), []
    counts = {key: COUNTS.get(key[1], 0) for key in found.keys}
    for source, most in SPEAKERS.items():
        counts |= {key: 1 for key in [k for k in found.keys if k[0] == source][:most]}
    for key in sorted(found.keys):
        order = list(random.permutation(found.members[key]))
        utterances += [_utterance(found, key, order, seconds) for _ in range(counts[key])]
    return utterances


def english_set(bank: str | Path, seconds: float = 10.0) -> list[Utterance]:
    """As `dev_set`, 64 English recordings of 25 voices, with about 2000 words."""
    found = AudioBank(bank, "speech_dev")
    random, utterances = np.random.default_rng(3), []
    for key in sorted(found.keys):
        if key[0] in ENGLISH_COUNTS and (key[0] != "asterisk" or key[1] == "asterisk_en"):
            order = list(random.permutation(found.members[key]))
            utterances += [_utterance(found, key, order, seconds) for _ in range(ENGLISH_COUNTS[key[0]])]
    return utterances


def final_set(bank: str | Path, seconds: float = 5.0) -> list[Utterance]:
    """As `dev_set`, of the sources that nothing was decided by, one recording of each voice."""
    random, utterances = np.random.default_rng(4), []
    for name, count in FINAL.items():
        found = AudioBank(bank, name)
        for key in sorted(found.keys)[:count]:
            utterances.append(_utterance(found, key, list(random.permutation(found.members[key])), seconds))
    return utterances


def _utterance(bank: AudioBank, key: tuple[str, str], order: list[int], seconds: float) -> Utterance:
    """The next recordings of the order, which is emptied by as many, up to 2 s longer than `seconds`."""
    parts, total = [], 0
    while total < seconds * 16000 and order:
        part = bank.recording(order.pop())
        parts += [part, torch.zeros(1600)]
        total += len(part) + 1600
    return Utterance(torch.cat(parts)[: int(16000 * (seconds + 2))], key[1], key[0] in ENGLISH)


def mixed(utterances: list[Utterance], bank: str | Path, snr: float, noises: str = "noise_dev") -> list[Tensor]:
    """Each utterance with a noise of the bank `noises` at `snr` dB; the same in each call."""
    noise, random, out = AudioBank(bank, noises), np.random.default_rng(2), []
    for utterance in utterances:
        other = torch.from_numpy(noise.segment(len(utterance.wav), random))
        out.append(utterance.wav + gain_to_snr(utterance.wav, other, snr) * other)
    return out


def gain_to_snr(speech: Tensor, noise: Tensor, snr: float) -> Tensor:
    """Factor of a noise [L] for an SNR in dB of the mean powers."""
    return (speech.square().mean() / noise.square().mean().clamp(min=1e-9)).sqrt() * 10 ** (-snr / 20)
