"""Utterances: phones, durations, tokens and features of the semantic level in NAME.npz, texts in NAME.tsv."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from espnet2_decodec.codec.decodec import DeCodec

DURATION_UNITS = 8
"""Durations are stored in eighths of a frame."""


class Utterance(NamedTuple):
    """One utterance.

    Attributes:
        phones: [M] uint8, indices of `text_phones.PHONES`.
        durations: [M] uint16 in units of 1 / `DURATION_UNITS` frames.
        tokens: [T] uint16 of the semantic level.
        features: [T, S] float16 of the semantic level before quantization.
        style: name of the style of speaking.
        speaker: label.
        text: normalized.
    """

    phones: np.ndarray
    durations: np.ndarray
    tokens: np.ndarray
    features: np.ndarray
    style: str
    speaker: str
    text: str


def write_bank(folder: Path, name: str, utterances: Iterable[Utterance]) -> None:
    """Write a bank."""
    rows = list(utterances)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        folder / f"{name}.npz",
        phones=np.concatenate([row.phones for row in rows]),
        durations=np.concatenate([row.durations for row in rows]),
        tokens=np.concatenate([row.tokens for row in rows]),
        features=np.concatenate([row.features for row in rows]),
        counts=np.array([[len(row.phones), len(row.tokens)] for row in rows]),
    )
    lines = (f"{row.style}\t{row.speaker}\t{row.text}\n" for row in rows)
    (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")


def read_bank(folder: Path, name: str) -> list[Utterance]:
    """Read a bank."""
    arrays = np.load(folder / f"{name}.npz")
    phone_ends, frame_ends = arrays["counts"].cumsum(0).T
    phones, durations = (np.split(arrays[key], phone_ends[:-1]) for key in ("phones", "durations"))
    tokens, features = (np.split(arrays[key], frame_ends[:-1]) for key in ("tokens", "features"))
    labels = [line.split("\t") for line in (folder / f"{name}.tsv").read_text(encoding="utf-8").splitlines()]
    return [Utterance(*row, *label) for *row, label in zip(phones, durations, tokens, features, labels)]


class SemanticTokenizer:
    """Speech -> tokens of the semantic level.

    Args:
        model: name or folder of a codec with a semantic level.
    """

    def __init__(self, model: str = "decodec-16k-semantic"):
        codec = DeCodec.from_pretrained(model)
        self.encoder, self.quantizer = codec.backbone.semantic_encoder, codec.speech_quantizer.semantic
        self.hop, self.sample_rate = codec.hop, codec.sample_rate

    @torch.no_grad()
    def __call__(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Samples [L] float32 at the codec's rate, padded to whole frames -> tokens [T], features [T, S]."""
        wav = torch.from_numpy(np.pad(samples, (0, -len(samples) % self.hop)))[None]
        features = self.encoder(wav)
        tokens = self.quantizer.encode(features.transpose(1, 2))[0, 0]
        return tokens.numpy().astype(np.uint16), features[0].numpy().astype(np.float16)
