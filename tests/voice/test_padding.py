"""Padding of sequences to few lengths: it changes no result, and networks see no other lengths."""

import pytest
import torch

from espnet2_decodec.voice.conversion import (
    BLOCK_FRAMES,
    CONTEXT_FRAMES,
    encode_voice,
    predict_block,
    predict_coordinates,
)
from espnet2_decodec.voice.layers import LENGTH_STEP, FiLMConvNeXtBlock, FiLMConvNeXtStack, pad_length, sequence_mask


@pytest.fixture
def seen_lengths(monkeypatch):
    """Lengths of the inputs of all blocks, while a test runs."""
    lengths, forward = set(), FiLMConvNeXtBlock.forward

    def noted(self, x, mask, condition=None):
        lengths.add(x.shape[1])
        return forward(self, x, mask, condition)

    monkeypatch.setattr(FiLMConvNeXtBlock, "forward", noted)
    return lengths


def test_a_sequence_mask_is_a_factor_of_frames():
    expected = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])[..., None]
    assert torch.equal(sequence_mask(torch.tensor([1, 3, 0]), 3), expected)


@pytest.mark.parametrize(("length", "expected"), [(0, 0), (1, 32), (32, 32), (33, 64)])
def test_zeros_are_added_at_the_end(length, expected):
    padded = pad_length(torch.ones(2, length, 3))
    assert padded.shape == (2, expected, 3) and padded.sum() == 2 * length * 3 and padded[:, :length].all()


@pytest.mark.parametrize("length", [1, 31, 32, 45])
def test_a_stack_gives_the_same_as_without_padding(length):
    torch.manual_seed(0)
    stack = FiLMConvNeXtStack(5, 3, 8, 2, condition_dim=4, dropout=0.0)
    x, condition = torch.randn(2, length, 5), torch.randn(2, 4)
    mask = torch.ones(2, length, 1)
    mask[1, length // 2 :] = 0
    expected = stack.train()(x, mask, condition)
    assert torch.allclose(stack.eval()(x, mask, condition), expected, atol=1e-5)


@pytest.mark.parametrize("length", [1, 40, BLOCK_FRAMES + 70])
@pytest.mark.parametrize("has_pitch", [False, True])
def test_coordinates_are_the_same_as_without_padding(codec, voice_model, prompt, length, has_pitch):
    generator = torch.Generator().manual_seed(5)
    content, voice = torch.randn(length, 4, generator=generator), encode_voice(voice_model, codec, prompt)
    pitch = torch.rand(length, 3, generator=generator) if has_pitch else None
    noise = 0.7 * torch.randn(length, 6, generator=torch.Generator().manual_seed(1))
    found = predict_coordinates(voice_model, content, voice, pitch, steps=2, seed=1)
    assert torch.allclose(found, predict_block(voice_model, content, voice, pitch, noise, 2), atol=1e-5)


def test_sentences_of_any_length_have_few_lengths_in_the_networks(codec, text_model, voice_model, prompt, seen_lengths):
    voice, found = encode_voice(voice_model, codec, prompt), set()
    seen_lengths.clear()
    for words in range(1, 30):
        content = text_model("hello " * words).embeddings
        found.add(len(content))
        assert len(predict_coordinates(voice_model, content, voice, steps=1)) == len(content)
    assert len(found) == 29 and not [length for length in seen_lengths if length % LENGTH_STEP]
    assert max(seen_lengths) <= BLOCK_FRAMES + 2 * CONTEXT_FRAMES + LENGTH_STEP
