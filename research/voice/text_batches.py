"""Training batches: utterances of similar length, and words with their pronunciation."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.voice.text_g2p import OUTPUTS, SLOTS, encode_letters
from espnet2_decodec.voice.text_lexicon import Pronunciations
from research.voice.text_bank import DURATION_UNITS, Utterance


@dataclass(frozen=True)
class UtteranceBatch:
    """Utterances.

    Attributes:
        phones: [B, M] int64, 0 for padding.
        phone_lengths: [B].
        durations: [B, M] in frames, 0 for padding.
        tokens: [B, T] int64.
        features: [B, T, S].
        lengths: [B] in frames.
        style: [B] int64.
    """

    phones: Tensor
    phone_lengths: Tensor
    durations: Tensor
    tokens: Tensor
    features: Tensor
    lengths: Tensor
    style: Tensor


@dataclass(frozen=True)
class WordBatch:
    """Words: letters [B, N], lengths [B], all phones in one row, and their count for each word [B]."""

    letters: Tensor
    lengths: Tensor
    phones: Tensor
    phone_lengths: Tensor


def collate(rows: list[Utterance], styles: list[str]) -> UtteranceBatch:
    """A batch of utterances."""

    def pad(arrays: list[np.ndarray], kind: type = np.int64) -> Tensor:
        tensors = [torch.from_numpy(array.astype(kind)) for array in arrays]
        return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True)

    return UtteranceBatch(
        pad([row.phones for row in rows]),
        torch.tensor([len(row.phones) for row in rows]),
        pad([row.durations for row in rows]).float() / DURATION_UNITS,
        pad([row.tokens for row in rows]),
        pad([row.features for row in rows], np.float32),
        torch.tensor([len(row.tokens) for row in rows]),
        torch.tensor([styles.index(row.style) for row in rows]),
    )


class UtteranceSampler:
    """Random utterances of one style at a time, of similar length.

    Args:
        rows: all utterances.
        shares: name of a style -> its share of the batches.
        frames: largest number of frames in a batch, with padding.
    """

    def __init__(self, rows: list[Utterance], shares: dict[str, float], frames: int):
        self.styles, self.frames = list(shares), frames
        self.shares = np.array(list(shares.values())) / sum(shares.values())
        self.rows = {
            style: sorted((row for row in rows if row.style == style), key=lambda row: len(row.tokens))
            for style in shares
        }
        empty = [style for style, found in self.rows.items() if not found and shares[style]]
        if empty:
            raise ValueError(f"The banks have no utterances of the style {empty[0]}; lower its share to 0 or add some.")

    def draw(self, random: np.random.Generator) -> UtteranceBatch:
        """A batch: utterances that follow each other in the order of their lengths, from a random one on."""
        rows = self.rows[str(random.choice(self.styles, p=self.shares))]
        start = int(random.integers(len(rows)))
        end = start + 1
        while end < len(rows) and (end + 1 - start) * len(rows[end].tokens) <= self.frames:
            end += 1
        return collate(rows[start:end], self.styles)


class WordSampler:
    """Random words of a lexicon that can be learned: not too long, at most two phones per letter."""

    def __init__(self, lexicon: Pronunciations):
        self.words = [(word, phones) for word, phones in sorted(lexicon.items()) if is_learnable(word, phones)]

    def draw(self, count: int, random: np.random.Generator) -> WordBatch:
        """A batch of `count` words."""
        return collate_words([self.words[i] for i in random.integers(len(self.words), size=count)])


def is_learnable(word: str, phones: list[str]) -> bool:
    """Whether CTC can learn the word: an output for each phone, and a blank between equal ones."""
    repeated = sum(a == b for a, b in zip(phones, phones[1:]))
    return 2 <= len(word) <= 20 and len(phones) + repeated <= SLOTS * len(word)


def collate_words(words: list[tuple[str, list[str]]]) -> WordBatch:
    """A batch of words and their phones."""
    letters = [encode_letters(word) for word, _ in words]
    return WordBatch(
        torch.nn.utils.rnn.pad_sequence(letters, batch_first=True),
        torch.tensor([len(row) for row in letters]),
        torch.tensor([OUTPUTS.index(phone) for _, phones in words for phone in phones]),
        torch.tensor([len(phones) for _, phones in words]),
    )
