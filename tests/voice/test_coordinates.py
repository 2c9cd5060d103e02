"""Coordinates of speech: interpolation of f0, levels, and pitch relative to the median."""

import pytest
import torch

from espnet2_decodec.codec.dsp.pitch import PitchEstimator
from espnet2_decodec.voice.coordinates import (
    amplify,
    interpolate_f0,
    relative_pitch,
    scale_pitch_range,
    speech_level,
    zero_unvoiced,
)

VOICED = 0.15


def frames(f0, voicing):
    """[T, 6]: flat envelopes with these f0 and voicing coordinates."""
    return torch.cat([torch.full((len(f0), 4), 0.05), torch.tensor([f0, voicing]).T], dim=1)


def test_f0_is_linear_in_unvoiced_frames_and_constant_beyond_the_voiced_ones():
    x = frames([0.0, -0.4, 0.0, 0.0, -0.1, 0.0], [0.0, VOICED, 0.0, 0.0, VOICED, 0.0])
    out = interpolate_f0(x)
    assert torch.allclose(out[:, -2], torch.tensor([-0.4, -0.4, -0.3, -0.2, -0.1, -0.1]))
    assert torch.equal(out[:, :-2], x[:, :-2]) and torch.equal(out[:, -1], x[:, -1])
    silent = frames([0.0] * 3, [0.0] * 3)
    assert torch.equal(interpolate_f0(silent), silent)


def test_f0_of_frames_below_the_threshold_of_voicing_becomes_zero():
    threshold = 0.5 * PitchEstimator.voicing_threshold * PitchEstimator.voicing_scale
    out = zero_unvoiced(frames([-0.4, -0.4], [0.9 * threshold, 1.1 * threshold]))
    assert torch.equal(out[0, -2:], torch.zeros(2)) and torch.allclose(
        out[1, -2:], torch.tensor([-0.4, 1.1 * threshold])
    )


def test_relative_pitch_does_not_change_with_the_voice():
    low = frames([-0.4, -0.3, -0.35], [VOICED, 0.0, VOICED])
    high = low.clone()
    high[:, -2] += PitchEstimator.octave_scale  # one octave
    pitch = relative_pitch(low)
    assert torch.allclose(pitch, relative_pitch(high), atol=1e-6)
    assert pitch[0, 0] == 0 and torch.equal(pitch[:, 1], torch.tensor([1.0, 0.0, 1.0])) and (pitch[:, 2] == 1).all()


def test_a_gain_changes_the_level_by_that_gain(codec):
    x = torch.rand(20, 6, generator=torch.Generator().manual_seed(0)) * 0.1
    level = speech_level(x, codec.backbone)
    assert speech_level(amplify(x, 0.5, codec.backbone), codec.backbone) == pytest.approx(0.5 * level, rel=1e-4)
    assert torch.allclose(amplify(amplify(x, 0.5, codec.backbone), 2.0, codec.backbone), x, atol=1e-5)
    assert speech_level(torch.zeros(5, 6), codec.backbone) == 0


def test_pauses_do_not_lower_the_level(codec):
    x = torch.full((10, 6), 0.05)
    assert speech_level(torch.cat([x, torch.zeros(50, 6)]), codec.backbone) == pytest.approx(
        speech_level(x, codec.backbone)
    )


def test_the_pitch_range_is_scaled_about_the_median_of_voiced_frames():
    x = frames([-0.4, -0.3, -0.2, 0.9], [VOICED, VOICED, VOICED, 0.0])
    assert torch.allclose(scale_pitch_range(x, 1.0), x)
    assert torch.allclose(scale_pitch_range(x, 2.0)[:3, -2], torch.tensor([-0.5, -0.3, -0.1]))
    assert torch.allclose(scale_pitch_range(x, 0.0)[:3, -2], torch.full((3,), -0.3))
    unvoiced = frames([0.0, 0.0], [0.0, 0.0])
    assert torch.equal(scale_pitch_range(unvoiced, 2.0), unvoiced)
