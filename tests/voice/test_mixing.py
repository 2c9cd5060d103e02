"""Backgrounds under synthesized speech: repetition without clicks, levels, durations."""

import math

import pytest
import torch

from espnet2_decodec.codec.dsp.looping import loop_blocks, loop_to_length
from espnet2_decodec.io.sample_spool import SampleSpool
from espnet2_decodec.voice.backgrounds import CodedBackground, RecordedBackground, repeat_background
from espnet2_decodec.voice.mixing import MixedBackground, mix_blocks
from tests.voices import vowels

RATE = 16000


class Tone:
    """A background of one tone, [N]."""

    def __init__(self, samples):
        self.wav = 0.1 * torch.sin(2 * math.pi * 100 * torch.arange(samples) / RATE)

    def __iter__(self):
        return iter(self.wav.split(700))

    def is_present(self):
        """Whether there is a background."""
        return True

    def first_minutes(self):
        """All of it."""
        return self.wav


def test_a_spool_gives_its_samples_again_and_again():
    wav = torch.randn(100001)
    with SampleSpool(wav.split(777)) as spool:
        assert spool.samples == len(wav) and spool.power == pytest.approx(float(wav.square().mean()), rel=1e-5)
        assert all(torch.equal(torch.cat(list(spool)), wav) for _ in range(2))
    with SampleSpool([]) as empty:
        assert not list(empty) and empty.samples == 0 and empty.power == 0


@pytest.mark.parametrize(
    ("size", "length", "crossfade"), [(10, 35, 3), (10, 8, 3), (10, 10, 3), (7, 30, 100), (5, 12, 0)]
)
def test_blocks_of_a_loop_are_the_loop(size, length, crossfade):
    x = torch.randn(2, size)
    looped = torch.cat(list(loop_blocks(x, length, crossfade)), dim=-1)
    assert looped.shape == (2, length) and torch.equal(looped, loop_to_length(x, length, crossfade=crossfade))


def test_a_repeated_background_has_no_clicks_and_faded_ends():
    wav = torch.cat(list(repeat_background(Tone(5 * RATE // 3).wav, 100000, RATE)))
    steps = wav.diff().abs()
    assert len(wav) == 100000 and steps.max() < 1.5 * 0.1 * 2 * math.pi * 100 / RATE
    assert max(wav[0].abs(), wav[-1].abs()) < 1e-3 and wav[1000:-1000].unfold(0, 800, 400).abs().amax(1).min() > 0.06


def test_the_seed_selects_the_excerpt_of_a_longer_background():
    long = torch.randn(50000)
    excerpts = [torch.cat(list(repeat_background(long, 9000, RATE, seed))) for seed in (1, 1, 2, None)]
    assert torch.equal(excerpts[0], excerpts[1]) and not torch.equal(excerpts[0], excerpts[2])
    assert torch.equal(excerpts[3][200:8000], long[200:8000])


@pytest.mark.parametrize("snr", [-5.0, 0.0, 12.0])
def test_the_snr_is_that_of_the_mean_powers(snr):
    speech = vowels(120, 3)
    pairs = list(mix_blocks(speech.split(1000), MixedBackground(Tone(9000), snr=snr), RATE))
    wavs = [torch.cat(x) for x in zip(*pairs)]
    powers = [float(wav.square().mean()) for wav in wavs]
    assert torch.equal(wavs[0], speech) and 10 * math.log10(powers[0] / powers[1]) == pytest.approx(snr, abs=0.01)


def test_a_gain_and_no_background():
    speech = vowels(120, 1)
    plain, louder = (
        torch.cat([b for _, b in mix_blocks([speech], MixedBackground(Tone(9000), gain=gain), RATE)])
        for gain in (None, 6.0)
    )
    assert torch.allclose(louder, 10 ** (6 / 20) * plain)
    assert not torch.cat([b for _, b in mix_blocks([speech], MixedBackground(None), RATE)]).any()


def test_a_background_with_the_timing_of_the_speech_is_neither_moved_nor_repeated():
    speech, tone = vowels(120, 1), Tone(9000)
    background = torch.cat([b for _, b in mix_blocks([speech], MixedBackground(tone, seed=None), RATE)])
    assert torch.equal(background[:9000], tone.wav) and not background[9000:].any() and len(background) == len(speech)


def test_levels_that_cannot_be_reached_are_refused_in_one_line(codec):
    for background, message in (
        (MixedBackground(None, snr=3.0), "no background to set the level of"),
        (MixedBackground(None, gain=3.0), "no background to set the level of"),
        (MixedBackground(Tone(9000), gain=3.0, snr=3.0), "not both"),
        (MixedBackground(RecordedBackground(codec, [torch.zeros(9000)]), snr=3.0), "has no background"),
    ):
        with pytest.raises(ValueError, match=message):
            background.check()
    with pytest.raises(ValueError, match="the speech is silent"):
        list(mix_blocks([torch.zeros(900)], MixedBackground(Tone(9000), snr=3.0), RATE))


def test_backgrounds_of_recordings_and_tokens(codec):
    noise = 0.1 * torch.randn(20000, generator=torch.Generator().manual_seed(0))
    recorded = RecordedBackground(codec, noise.split(3000))
    assert torch.allclose(
        torch.cat(list(recorded)), codec.separate(noise[None], quantize=False).background[0], atol=1e-4
    )
    codes = codec.encode(noise[None])
    coded = CodedBackground(codec, [codes])
    assert torch.allclose(torch.cat(list(coded)), codec.decode(codes, speech=False)[0], atol=1e-4)
    assert recorded.is_present() and recorded.first_minutes().shape == (20000,)
