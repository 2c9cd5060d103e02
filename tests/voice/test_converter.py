"""Conversion in blocks: the same as the whole for given statistics, with a limited look-ahead."""

import pytest
import torch

from espnet2_decodec.voice.converter import (
    CONTEXT_FRAMES,
    F0_FRAMES,
    ONSET_FRAMES,
    ONSET_VOICED,
    VoiceConverter,
    convert_voice,
)
from espnet2_decodec.voice.source_buffer import SourceBuffer, interpolate_ahead
from espnet2_decodec.voice.sources import CodedSource, RecordedSource, convert_source, cut_end
from espnet2_decodec.voice.speech import Speech, analyze, from_codes
from tests.voices import vowels

SECONDS = 12


@pytest.fixture(scope="module")
def source(codec):
    """A low voice, 12 s."""
    return analyze(codec, [0.3 * vowels(120, SECONDS, seed=3)])


def parts_of(speech, size):
    """A recording in parts of `size` frames."""
    return [Speech(*pair) for pair in zip(speech.content.split(size), speech.coordinates.split(size))]


def joined(parts):
    """The coordinates of all parts."""
    return torch.cat([part.coordinates for part in parts])


@pytest.mark.parametrize("seconds", [2.0, 60.0])
def test_blocks_give_the_same_as_the_whole(codec, voice_model, source, prompt, seconds):
    """Whatever the sizes of the parts and of the blocks."""
    whole = convert_voice(voice_model, codec, source, prompt, statistics_seconds=seconds)
    assert whole.coordinates.shape == source.coordinates.shape and torch.equal(whole.content, source.content)
    for block, part in ((16, 7), (75, 75), (333, 1)):
        converter = VoiceConverter(voice_model, codec, prompt, statistics_seconds=seconds, block_frames=block)
        found = joined(converter(parts_of(source, part)))
        assert torch.allclose(found, whole.coordinates, atol=1e-5)


def test_the_look_ahead_is_limited(codec, voice_model, source, prompt):
    """A source of any duration is held for so many frames alone."""
    converter = VoiceConverter(voice_model, codec, prompt, statistics_seconds=1.0, block_frames=20)
    read = 0

    def parts():
        nonlocal read
        for part in parts_of(source, 5):
            read += 5
            yield part

    written, first = 0, None
    for part in converter(parts()):
        first = read if first is None else first
        written += len(part.content)
        if written > 60:
            assert read - written <= 20 + CONTEXT_FRAMES + F0_FRAMES or read == len(source.content)
    assert first <= converter.look_ahead + 5 and written == len(source.content)


def test_what_follows_does_not_change_what_was_converted(codec, voice_model, source, prompt):
    options = {"statistics_seconds": 2.0, "block_frames": 50}
    cut = Speech(source.content[:400], source.coordinates[:400])
    short, long = (convert_voice(voice_model, codec, x, prompt, **options).coordinates for x in (cut, source))
    safe = 400 - CONTEXT_FRAMES - F0_FRAMES
    assert torch.allclose(short[:safe], long[:safe], atol=1e-5)


def test_statistics_are_those_of_the_first_seconds(codec, voice_model, source, prompt):
    """A later part that is louder and higher stays so."""
    other = analyze(codec, [0.9 * vowels(180, 3, seed=4)])
    both = Speech(*(torch.cat(pair) for pair in zip(*((x.content, x.coordinates) for x in (source, other)))))
    first, all_of_it = (
        convert_voice(voice_model, codec, x, prompt, statistics_seconds=SECONDS / 2).coordinates for x in (source, both)
    )
    safe = len(source.content) - CONTEXT_FRAMES - F0_FRAMES
    assert torch.allclose(first[:safe], all_of_it[:safe], atol=1e-5)


@pytest.mark.parametrize("silence", [130, 131, 200, 500])
def test_a_late_voice_is_measured_from_its_beginning(codec, voice_model, source, prompt, silence):
    """Before it there is silence; the rest is as if the recording had begun half a second before the voice."""
    quiet = Speech(source.content[:1].expand(silence, -1), torch.zeros(silence, source.coordinates.shape[1]))
    late = Speech(torch.cat([quiet.content, source.content]), torch.cat([quiet.coordinates, source.coordinates]))
    voiced = late.coordinates[:, -1] > 0
    begin = int((voiced.unfold(0, ONSET_FRAMES, 1).sum(1) >= ONSET_VOICED).nonzero()[0]) - ONSET_FRAMES
    options = {"statistics_seconds": 2.0, "temperature": 0.0}
    found = convert_voice(voice_model, codec, late, prompt, **options).coordinates
    rest = Speech(late.content[begin:], late.coordinates[begin:])
    expected = convert_voice(voice_model, codec, rest, prompt, **options).coordinates
    assert len(found) == len(late.content) and not found[:begin].any()
    assert torch.allclose(found[begin:], expected, atol=1e-5)
    blocks = VoiceConverter(voice_model, codec, prompt, block_frames=20, **options)(parts_of(late, 9))
    assert torch.allclose(joined(blocks), found, atol=1e-5)


def test_the_guidance_is_away_from_the_voice_of_the_source(codec, voice_model, source, prompt):
    """It changes nothing where that voice is also the prompt, and more with more of it."""

    def converted(voice, guidance, detail=0.0):
        options = {"guidance": guidance, "detail": detail, "bias": 0.0}
        return convert_voice(voice_model, codec, source, voice, **options).coordinates

    own = converted(source, 0.0)
    assert torch.allclose(converted(source, 1.0), own, atol=1e-5)
    plain, half, full = (converted(prompt, guidance) for guidance in (0.0, 0.5, 1.0))
    assert 0 < (half - plain).abs().mean() < (full - plain).abs().mean()
    assert not torch.allclose(converted(prompt, 0.5, detail=0.7), converted(prompt, 0.0, detail=0.7), atol=1e-4)


def test_a_long_recording_without_a_voice_becomes_silence(codec, voice_model, prompt):
    whispered = Speech(torch.randn(300, 4), torch.cat([torch.rand(300, 4) * 0.1, torch.zeros(300, 2)], dim=1))
    converted = convert_voice(voice_model, codec, whispered, prompt, statistics_seconds=2.0)
    assert converted.coordinates.shape == (300, 6) and not converted.coordinates.any()
    assert convert_voice(voice_model, codec, whispered, prompt).coordinates[:, :-2].abs().max() > 0.01


def test_too_short_statistics_are_refused(codec, voice_model, prompt):
    with pytest.raises(ValueError, match=r"measured for at least 0.5 s, not 0.2 s"):
        VoiceConverter(voice_model, codec, prompt, statistics_seconds=0.2)


def test_f0_is_interpolated_over_gaps_and_within_the_look_ahead():
    f0 = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0, 4.0, 0, 0, 0, 0, 0, 6.0, 0.0])
    found = interpolate_ahead(f0, f0 > 0, 3, torch.tensor(0.5), -100)
    expected = torch.tensor([0.5 + 0.5 / 3, 0.5 + 1 / 3, 1, 2, 3, 4, 4, 4, 4, 4 + 2 / 3, 4 + 4 / 3, 6, 6])
    assert torch.allclose(found, expected)


def test_frames_that_were_dropped_keep_their_f0():
    coordinates = torch.zeros(40, 6)
    coordinates[10], coordinates[30] = torch.tensor([0, 0, 0, 0, 1.0, 0.2]), torch.tensor([0, 0, 0, 0, 3.0, 0.2])
    whole, late = (SourceBuffer([Speech(torch.zeros(40, 4), coordinates)], 0) for _ in range(2))
    whole.fill(40), late.fill(40)
    late.drop(15)
    expected = whole.f0(18, 40, 5, torch.tensor(2.0))
    assert torch.equal(late.f0(18, 40, 5, torch.tensor(2.0)), expected) and expected[0] == 1 and expected[-1] == 3
    assert late.start == 15 and torch.equal(late.frames(20, 25).noise, whole.frames(20, 25).noise)


@pytest.mark.parametrize("samples", [32000, 31999, 31681])
def test_samples_are_as_many_as_those_of_the_source(codec, voice_model, prompt, samples):
    wav = vowels(120, 2)[:samples]
    converter = VoiceConverter(voice_model, codec, prompt, block_frames=20)
    recorded = RecordedSource(codec, wav.split(700), frames=20)
    found = torch.cat(list(convert_source(converter, recorded, frames=20)))
    assert found.shape == (samples,) and recorded.is_voiced
    whole = convert_source(VoiceConverter(voice_model, codec, prompt), RecordedSource(codec, [wav]))
    assert torch.allclose(found, torch.cat(list(whole)), atol=1e-4)


def test_tokens_in_parts_are_the_same_as_in_one_piece(codec, monkeypatch):
    codes = codec.encode(vowels(120, 2.01)[None])
    whole = from_codes(codec, codes)
    source = CodedSource(codec, codes)
    monkeypatch.setattr("espnet2_decodec.voice.sources.BLOCK_FRAMES", 17)
    parts = list(source)
    assert len(parts) == 6 and torch.equal(torch.cat([x.content for x in parts]), whole.content)
    assert torch.allclose(joined(parts), whole.coordinates, atol=1e-6) and source.samples == 32160


def test_the_end_is_cut():
    blocks = torch.arange(10.0).split(3)
    assert torch.equal(torch.cat(list(cut_end(blocks, lambda: 8, 4))), torch.arange(8.0))
