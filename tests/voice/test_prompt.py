"""Prompts: what is refused, what is cut."""

import pytest
import torch

from espnet2_decodec.voice.prompt import MAX_PROMPT_SECONDS, analyze_prompt, prompt_from_codes
from tests.voices import vowels


@pytest.mark.parametrize(
    ("wav", "message"),
    [
        (vowels(120, 0.3), "The prompt is 0.30 s long; give at least 0.5 s of speech"),
        (torch.zeros(16000), "The prompt is silent"),
        (1e-3 * vowels(120, 2), "There is no speech in the prompt"),
        (0.1 * torch.randn(32000, generator=torch.Generator().manual_seed(0)), "There is no speech in the prompt"),
    ],
)
def test_prompts_without_speech_are_refused(codec, wav, message):
    with pytest.raises(ValueError, match=message):
        analyze_prompt(codec, [wav])


def test_an_empty_recording_is_refused(codec):
    with pytest.raises(ValueError, match="no samples"):
        analyze_prompt(codec, [])


def test_long_pauses_are_cut_and_short_ones_stay(codec):
    speech, rest = vowels(120, 0.6)[: 16000 // 3], 0 * vowels(120, 3)
    frames = [len(analyze_prompt(codec, [torch.cat([speech, pause, speech])]).content) for pause in (rest[:3200], rest)]
    assert frames[0] == -(-(2 * len(speech) + 3200) // 320)
    assert frames[1] < frames[0] + 30  # 0.4 s and the edges of the speech


def test_what_follows_the_longest_prompt_is_not_read(codec):
    read = 0

    def blocks():
        nonlocal read
        while True:
            read += 1
            yield vowels(120, 5)

    prompt = analyze_prompt(codec, blocks())
    assert read <= MAX_PROMPT_SECONDS / 5 + 1 and len(prompt.content) <= MAX_PROMPT_SECONDS * 50


def test_tokens_as_prompt(codec):
    prompt = prompt_from_codes(codec, codec.encode(vowels(120, 2)[None]))
    assert prompt.coordinates.shape[1] == 6 and len(prompt.content) > 30
    speech_alone = codec.encode(vowels(120, 2)[None], background_levels=0)
    assert torch.equal(prompt_from_codes(codec, speech_alone).content, prompt.content)
    with pytest.raises(ValueError, match="no speech|is silent"):
        prompt_from_codes(codec, codec.encode(torch.zeros(1, 32000)))
