"""Pulses and noise that drive the decoder as a vocoder."""

import pytest
import torch

from espnet2_decodec.codec.dsp.excitation import Excitation
from espnet2_decodec.codec.dsp.mdct import mdct_matrix
from espnet2_decodec.codec.dsp.overlap_add import overlap_add

RATE, HOP = 16000, 320


def pulses(f0: torch.Tensor, voiced: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """f0, voiced [B, T, N] -> waveforms [B, N, T * hop]."""
    excitation = Excitation(RATE, HOP)
    phase, _ = excitation.advance_phase(f0, voiced, None)
    frames, _ = excitation(f0, voiced, phase, mask)
    return overlap_add((frames @ mdct_matrix(HOP).T).transpose(1, 2), HOP)


def steady(f0: float, frames: int = 50) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((1, frames, 1), f0), torch.ones(1, frames, 1, dtype=torch.bool)


def times(wav: torch.Tensor, f0: float) -> torch.Tensor:
    """Positions of the pulses of wav [L] at about f0 Hz."""
    higher = torch.nn.functional.max_pool1d(wav[None], 2 * int(0.4 * RATE / f0) + 1, 1, int(0.4 * RATE / f0))[0]
    return ((wav == higher) & (wav > 0.4 * wav.max())).nonzero()[:, 0]


@pytest.mark.parametrize("f0", [80.0, 123.4, 400.0])
def test_pulses_are_one_period_apart_and_have_power_one(f0):
    wav = pulses(*steady(f0))[0, 0, 3 * HOP : -3 * HOP]
    gaps = times(wav, f0).diff()
    assert (gaps - RATE / f0).abs().max() <= 1
    assert 0.8 < wav.square().mean() < 1.2


def test_number_of_pulses_is_the_number_of_periods():
    f0 = torch.linspace(100, 250, 100)[None, :, None]
    wav = pulses(f0, torch.ones_like(f0, dtype=torch.bool))[0, 0]
    assert abs(len(times(wav, 250)) - 175 * 2) <= 5  # mean Hz times seconds; none at the very ends


def test_no_pulses_in_unvoiced_frames():
    f0, voiced = steady(100)
    assert not pulses(f0, ~voiced).any()


def test_an_onset_starts_at_the_f0_of_the_voiced_frame():
    """Between an unvoiced and a voiced frame f0 is that of the voiced one."""
    f0, voiced = steady(200)
    voiced[:, :20] = False
    other = f0.clone()
    other[:, :20] = 77
    torch.testing.assert_close(pulses(f0, voiced), pulses(other, voiced))


def test_phase_in_blocks_equals_phase_in_one_piece():
    excitation, generator = Excitation(RATE, HOP), torch.Generator().manual_seed(0)
    f0 = 70 + 300 * torch.rand(2, 60, 2, generator=generator)
    voiced = torch.rand(2, 60, 2, generator=generator) < 0.7
    whole, _ = excitation.advance_phase(f0, voiced, None)
    state, parts = None, []
    for frames in (slice(0, 1), slice(1, 30), slice(30, 60)):
        phase, state = excitation.advance_phase(f0[:, frames], voiced[:, frames], state)
        parts.append(phase)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-6, rtol=0)


def test_padding_adds_no_pulses_to_the_frames_before_it():
    f0, voiced = steady(150, 20)
    mask = torch.arange(20)[None] < 12
    short = pulses(f0[:, :12], voiced[:, :12])[0, 0]
    torch.testing.assert_close(pulses(f0, voiced, mask)[0, 0, : 11 * HOP], short[: 11 * HOP])


def test_noise_does_not_repeat_within_seconds():
    excitation = Excitation(RATE, HOP)
    f0, voiced = steady(100, 400)
    phase, _ = excitation.advance_phase(f0, voiced, None)
    noise = excitation(f0, voiced, phase, None)[1][0, :, 0]
    correlation = noise @ noise.T / HOP
    assert (correlation - torch.eye(400)).abs().max() < 0.4
