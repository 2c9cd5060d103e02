"""Backgrounds of any length at any level, without clicks."""

import pytest
import torch

from espnet2_decodec.data.background import fitted, leveled


def roughest(wav: torch.Tensor) -> float:
    """The largest second difference: where a waveform jumps or bends, it is large."""
    return float(torch.diff(wav, n=2).abs().max())


@pytest.mark.parametrize("length", [1, 100, 16000, 16001, 40000, 99999])
@pytest.mark.parametrize("source", [1, 2, 37, 800, 16000])
def test_lengths_are_exact(source, length):
    assert fitted(torch.randn(source), length, 4000).shape == (length,)


def test_a_loop_does_not_click():
    time = torch.arange(10007) / 16000
    hum = 0.3 * torch.sin(2 * torch.pi * 123.4 * time) + 0.1 * torch.cos(2 * torch.pi * 50.2 * time)
    assert roughest(hum.repeat(3)) > 20 * roughest(hum)  # copies in a row would
    assert roughest(fitted(hum, 50000, 4000)) < 1.2 * roughest(hum)


def test_a_loop_keeps_the_level_of_noise_everywhere():
    torch.manual_seed(0)
    looped = fitted(torch.randn(20000), 200000, 4000)
    levels = looped[1000:-1000].unfold(0, 2000, 500).square().mean(1)
    assert 0.7 < float(levels.min()) and float(levels.max()) < 1.3


def test_what_is_long_enough_is_only_cut_with_soft_edges():
    noise = torch.randn(5000)
    cut = fitted(noise, 3000, 4000)
    assert torch.equal(cut[160:-160], noise[160:2840])
    assert cut[0].abs() < 0.05 and cut[-1].abs() < 0.05


def test_levels_are_reached():
    torch.manual_seed(0)
    speech, background = 0.1 * torch.randn(9000), 0.003 * torch.randn(9000)
    mixed = leveled(background, speech, None, 7.0)
    assert abs(10 * torch.log10(speech.square().mean() / mixed.square().mean()) - 7) < 1e-3
    assert torch.allclose(leveled(background, speech, -20.0, None), background / 10)
    assert torch.equal(leveled(background, speech, None, None), background)


def test_levels_that_cannot_be_reached_are_refused():
    noise, silence = torch.randn(100), torch.zeros(100)
    for speech, background, which in ((silence, noise, "speech"), (noise, silence, "background")):
        with pytest.raises(ValueError, match=f"the {which} is silent"):
            leveled(background, speech, None, 5.0)
    with pytest.raises(ValueError, match="not both"):
        leveled(noise, noise, 1.0, 1.0)
