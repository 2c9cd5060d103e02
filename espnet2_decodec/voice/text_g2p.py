"""Graphemes to phones: a network for words that the lexicon lacks."""

import torch
from torch import Tensor, nn

from espnet2_decodec.voice.layers import FiLMConvNeXtStack, sequence_mask
from espnet2_decodec.voice.text_phones import CONSONANTS, VOWELS

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
"""Input symbols; index 0 is padding."""
OUTPUTS = ("", *CONSONANTS, *(f"{vowel}{stress}" for vowel in VOWELS for stress in "012"))
"""Output symbols; index 0 is the blank of CTC."""
SLOTS = 2
"""Outputs per letter: x is K S."""


class GraphemeToPhone(nn.Module):
    """Letters of a word -> phones, by a convolutional network and CTC (Graves et al., 2006).

    Args:
        channels: C of the blocks.
        blocks: number of blocks.
        kernel_size: of the blocks, odd.
        dropout: of the blocks.
    """

    def __init__(self, channels: int = 128, blocks: int = 6, kernel_size: int = 7, dropout: float = 0.1):
        super().__init__()
        self.embedding = nn.Embedding(1 + len(LETTERS), channels, padding_idx=0)
        self.upsample = nn.Linear(channels, SLOTS * channels)
        self.stack = FiLMConvNeXtStack(
            channels, len(OUTPUTS), channels, blocks, kernel_size, expansion=3, dropout=dropout
        )

    def forward(self, letters: Tensor, lengths: Tensor) -> Tensor:
        """Letters [B, N] int64, lengths [B] -> log probabilities [B, SLOTS * N, len(OUTPUTS)]."""
        x = self.upsample(self.embedding(letters)).unflatten(2, (SLOTS, -1)).flatten(1, 2)
        return self.stack(x, sequence_mask(SLOTS * lengths, x.shape[1])).log_softmax(-1)

    @torch.no_grad()
    def pronounce(self, word: str) -> list[str]:
        """Phones of a word of `LETTERS`, in lower case: the best path of CTC."""
        letters = encode_letters(word)[None]
        best = self(letters, torch.tensor([letters.shape[1]]))[0].argmax(-1)
        return [OUTPUTS[int(i)] for i in torch.unique_consecutive(best) if i]


def encode_letters(word: str) -> Tensor:
    """A word of `LETTERS` -> [N] int64."""
    return torch.tensor([1 + LETTERS.index(letter) for letter in word])
