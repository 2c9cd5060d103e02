"""Conversion by the voice model: what stays, what changes, batches, blocks and backgrounds."""

import pytest
import torch

from espnet2_decodec.conversion import convert
from espnet2_decodec.voice import conversion
from espnet2_decodec.voice.conversion import (
    LEVEL,
    add_bias,
    correct_bias,
    median_octaves,
    speak,
    spectral_bias,
)
from espnet2_decodec.voice.converter import convert_voice
from espnet2_decodec.voice.coordinates import (
    amplify,
    frame_powers,
    interpolate_f0,
    relative_pitch,
    set_level,
    speech_level,
    speech_mask,
)
from espnet2_decodec.voice.speech import Speech, analyze
from tests.voices import vowels


@pytest.fixture(scope="module")
def source(codec):
    """A low voice."""
    return analyze(codec, [0.3 * vowels(120, 2, seed=3)])


def test_content_timing_and_level_stay_and_the_median_pitch_becomes_that_of_the_prompt(
    codec, voice_model, source, prompt
):
    found = convert_voice(voice_model, codec, source, prompt)
    assert torch.equal(found.content, source.content) and found.coordinates.shape == source.coordinates.shape
    assert torch.equal(found.coordinates[:, -1] > 0, source.coordinates[:, -1] > 0)
    levels = [speech_level(x.coordinates, codec.backbone) for x in (source, found)]
    assert levels[0] == pytest.approx(levels[1], rel=0.05)
    own, target, after = (median_octaves(x.coordinates) for x in (source, prompt, found))
    assert abs(after - target) < 0.1 * abs(own - target)
    kept = convert_voice(voice_model, codec, source, prompt, convert_f0=False)
    assert abs(median_octaves(kept.coordinates) - own) < 0.01


def test_the_intonation_is_that_of_the_source(codec, voice_model, source, prompt):
    found = convert_voice(voice_model, codec, source, prompt)
    voiced = source.coordinates[:, -1] > 0
    curves = [x.coordinates[voiced, -2] - x.coordinates[voiced, -2].median() for x in (source, found)]
    assert torch.allclose(*curves, atol=1e-4)


def test_the_level_of_the_prompt_does_not_matter(codec, voice_model, source):
    results = [convert_voice(voice_model, codec, source, analyze(codec, [g * vowels(210, 2)])) for g in (0.3, 0.9)]
    difference = (results[0].coordinates - results[1].coordinates)[:, :-2].abs().mean()
    assert difference < 0.1 * results[0].coordinates[:, :-2].abs().mean()


def test_the_seed_selects_the_noise(codec, voice_model, source, prompt):
    def call(seed, temperature=0.7):
        return speak(voice_model, codec, source.content, prompt, seed=seed, temperature=temperature)

    assert torch.equal(call(1), call(1)) and not torch.equal(call(1), call(2))
    assert torch.equal(call(1, 0.0), call(2, 0.0))


def test_long_content_in_blocks_is_the_same_as_in_one_piece(codec, voice_model, prompt, monkeypatch):
    content = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    whole = speak(voice_model, codec, content, prompt)
    monkeypatch.setattr(conversion, "BLOCK_FRAMES", 64)
    assert torch.allclose(speak(voice_model, codec, content, prompt), whole, atol=1e-5)


def test_a_silent_prompt_is_refused(codec, voice_model, source):
    silent = Speech(torch.zeros(50, 4), torch.zeros(50, 6))
    with pytest.raises(ValueError, match="no speech in the prompt"):
        speak(voice_model, codec, source.content, silent)


def test_a_silent_source_becomes_silence(codec, voice_model, prompt):
    silent = Speech(torch.zeros(50, 4), torch.zeros(50, 6))
    assert not convert_voice(voice_model, codec, silent, prompt).coordinates.any()
    assert torch.equal(interpolate_f0(silent.coordinates), silent.coordinates)


def test_waveforms_in_batches_are_the_same_as_one_by_one(codec, voice_model):
    wavs, voices = [vowels(120, 1.3), vowels(150, 1.0)], [vowels(210, 1.5), vowels(180, 1.2)]
    batch, references = (torch.nn.utils.rnn.pad_sequence(x, batch_first=True) for x in (wavs, voices))
    lengths, reference_lengths = (torch.tensor([len(wav) for wav in x]) for x in (wavs, voices))
    both = convert(
        codec, batch, references, batch, lengths=lengths, reference_lengths=reference_lengths,
        background_lengths=lengths, voice_model=voice_model,
    )  # fmt: skip
    assert both.shape == batch.shape and not both[1, lengths[1] :].any()
    for row, (wav, voice) in enumerate(zip(wavs, voices)):
        alone = convert(codec, wav[None], voice[None], wav[None], voice_model=voice_model)[0]
        assert torch.allclose(both[row, : len(wav)], alone, atol=1e-5) and alone.abs().max() > 0.003
        speech = convert(codec, wav[None], voice[None], voice_model=voice_model)[0]
        background = codec.separate(wav[None], quantize=False).background[0]
        assert torch.allclose(alone - speech, background, atol=1e-4)


def test_another_voice_gives_another_result(codec, voice_model):
    wav = vowels(120, 1.2)[None]
    results = [convert(codec, wav, vowels(f0, 1.5)[None], voice_model=voice_model) for f0 in (210, 90)]
    assert (results[0] - results[1]).abs().max() > 0.01 * results[0].abs().max() > 0


def test_the_correction_is_what_the_model_misses_of_the_prompt(codec, voice_model, prompt):
    """With it, the mean envelope of the prompt in its own voice is nearer to its own."""
    own = set_level(prompt.coordinates, LEVEL, codec.backbone)
    powers = frame_powers(own, codec.backbone)
    loud = powers > 1e-3 * powers.max()
    bias = spectral_bias(voice_model, codec, prompt)
    predicted = speak(voice_model, codec, prompt.content, prompt, relative_pitch(interpolate_f0(own)))
    errors = [
        (found - own)[loud, :-2].mean(0).norm() for found in (predicted, add_bias(predicted, bias, codec.backbone))
    ]
    assert bias.shape == (4,) and errors[1] < 0.9 * errors[0]
    corrected = correct_bias(predicted, bias, codec.backbone)
    assert speech_level(corrected, codec.backbone) == pytest.approx(LEVEL, rel=1e-3)
    assert torch.equal(corrected[:, -2:], predicted[:, -2:])


def test_detail_is_what_the_model_does_not_predict_of_the_source(codec, voice_model, source):
    """But for a constant of each band, which belongs to the voice: with all of it the source stays as it is."""
    options = {"detail": 1.0, "bias": 0.0, "temperature": 0.0}
    found = convert_voice(voice_model, codec, source, source, **options).coordinates
    level = speech_level(source.coordinates, codec.backbone)
    own = amplify(source.coordinates, LEVEL / level, codec.backbone)
    pitch = relative_pitch(interpolate_f0(source.coordinates))
    predicted = speak(voice_model, codec, source.content, source, pitch, temperature=0.0)
    constant = (own - predicted)[speech_mask(own, codec.backbone), :-2].mean(0)
    expected = set_level(torch.cat([own[:, :-2] - constant, own[:, -2:]], dim=1), level, codec.backbone)[:, :-2]
    kept = (found[:, :-2] > 0) & (expected > 0)
    assert kept.float().mean() > 0.3 and constant.abs().max() > 1e-3
    assert torch.allclose(found[:, :-2][kept], expected[kept], atol=1e-4)


def test_a_prompt_is_encoded_once_for_all_blocks(codec, voice_model, prompt, monkeypatch):
    calls, encode = [], voice_model.encode_prompt
    monkeypatch.setattr(voice_model, "encode_prompt", lambda *inputs: calls.append(1) or encode(*inputs))
    monkeypatch.setattr(conversion, "BLOCK_FRAMES", 64)
    speak(voice_model, codec, torch.randn(300, 4), prompt)
    assert len(calls) == 1
