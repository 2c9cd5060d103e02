"""Activity and levels; looping of backgrounds to any length without clicks."""

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.dsp.looping import loop_to_length
from espnet2_decodec.data.levels import (
    FRAME_LENGTH,
    active_frames,
    active_power,
    fade_edges,
    scale_background,
    trim_silence,
)


def looped_with_fades(wav: torch.Tensor, length: int, crossfade: int) -> torch.Tensor:
    return fade_edges(loop_to_length(wav, length, crossfade=crossfade))


def roughest(wav: torch.Tensor) -> float:
    """The largest second difference: where a waveform jumps or bends, it is large."""
    return float(torch.diff(wav, n=2).abs().max())


@pytest.mark.parametrize("length", [1, 100, 16000, 16001, 40000, 99999])
@pytest.mark.parametrize("source", [1, 2, 37, 800, 16000])
def test_lengths_are_exact(source, length):
    assert looped_with_fades(torch.randn(source), length, 4000).shape == (length,)


def test_a_loop_does_not_click():
    time = torch.arange(10007) / 16000
    hum = 0.3 * torch.sin(2 * torch.pi * 123.4 * time) + 0.1 * torch.cos(2 * torch.pi * 50.2 * time)
    assert roughest(hum.repeat(3)) > 20 * roughest(hum)  # copies in a row would
    assert roughest(looped_with_fades(hum, 50000, 4000)) < 1.2 * roughest(hum)


def test_a_loop_keeps_the_level_of_noise_everywhere():
    torch.manual_seed(0)
    looped = looped_with_fades(torch.randn(20000), 200000, 4000)
    levels = looped[1000:-1000].unfold(0, 2000, 500).square().mean(1)
    assert 0.7 < float(levels.min()) and float(levels.max()) < 1.3


def test_what_is_long_enough_is_only_cut_with_soft_edges():
    noise = torch.randn(5000)
    cut = looped_with_fades(noise, 3000, 4000)
    assert torch.equal(cut[160:-160], noise[160:2840])
    assert cut[0].abs() < 0.05 and cut[-1].abs() < 0.05


def test_levels_are_reached():
    torch.manual_seed(0)
    speech, background = 0.1 * torch.randn(9000), 0.003 * torch.randn(9000)
    mixed = scale_background(background, speech, None, 7.0)
    assert abs(10 * torch.log10(speech.square().mean() / mixed.square().mean()) - 7) < 1e-3
    assert torch.allclose(scale_background(background, speech, -20.0, None), background / 10)
    assert torch.equal(scale_background(background, speech, None, None), background)


def test_levels_that_cannot_be_reached_are_refused():
    noise, silence = torch.randn(100), torch.zeros(100)
    for speech, background, which in ((silence, noise, "speech"), (noise, silence, "background")):
        with pytest.raises(ValueError, match=f"the {which} is silent"):
            scale_background(background, speech, None, 5.0)
    with pytest.raises(ValueError, match="not both"):
        scale_background(noise, noise, 1.0, 1.0)


def test_tokens_loop_by_their_own_lengths_and_nothing_fades_without_a_crossfade():
    tokens = torch.arange(12).view(2, 1, 6)
    assert loop_to_length(tokens, 5, torch.tensor([2, 6])).tolist() == [[[0, 1, 0, 1, 0]], [[6, 7, 8, 9, 10]]]
    wav = torch.tensor([1.0, 2, 3, 4, 5, 0, 0, 0])
    assert loop_to_length(wav, 11).tolist() == [1, 2, 3, 4, 5, 0, 0, 0, 1, 2, 3]
    assert loop_to_length(wav, 3).tolist() == [1, 2, 3]


def test_pauses_do_not_count():
    tone = np.sin(np.arange(10 * FRAME_LENGTH)) * 0.1
    padded = np.concatenate([np.zeros(20 * FRAME_LENGTH), tone, np.zeros(7)])
    assert active_power(padded) == pytest.approx(active_power(tone))
    assert active_frames(padded).sum() == 10 and len(active_frames(padded)) == 31


def test_silence_and_trimming():
    assert (
        active_power(np.zeros(1000)) == 0 and not len(trim_silence(np.zeros(1000))) and active_power(np.zeros(0)) == 0
    )
    wav = np.concatenate([np.zeros(20 * FRAME_LENGTH), np.ones(3 * FRAME_LENGTH), np.zeros(20 * FRAME_LENGTH)])
    assert len(trim_silence(wav)) == 7 * FRAME_LENGTH and len(trim_silence(wav, 0)) == 3 * FRAME_LENGTH


@pytest.mark.parametrize("silent", ["speech", "background"])
@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_an_snr_against_silence_is_refused_and_against_quiet_signals_reached(silent, level):
    signals = {"speech": 0.1 * torch.randn(8000), "background": 0.1 * torch.randn(8000)}
    with pytest.raises(ValueError, match=f"An SNR of 5 dB cannot be reached: the {silent} is silent."):
        scale_background(**{**signals, silent: level * signals[silent]}, gain=None, snr=5.0)
    quiet = {**signals, silent: 1e-3 * signals[silent]}
    scaled = scale_background(**quiet, gain=None, snr=5.0)
    ratio = 10 * torch.log10(quiet["speech"].square().mean() / scaled.square().mean())
    assert float(ratio) == pytest.approx(5.0, abs=1e-3)
