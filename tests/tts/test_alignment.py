"""Alignment and length regulation."""

import pytest
import torch
from scipy.stats import betabinom

from espnet2_decodec.tts.alignment import AlignmentModule, beta_binomial_prior
from espnet2_decodec.tts.model import DEFAULTS, AcousticModel, round_durations


def test_the_prior_is_the_beta_binomial_distribution():
    prior = beta_binomial_prior(torch.tensor([5, 7]), torch.tensor([11, 30]), 30, 7)
    for item, (n, t) in enumerate(((5, 11), (7, 30))):
        for frame in (0, 3, t - 1):
            expected = betabinom.logpmf(range(n), n - 1, frame + 1, t - frame)
            assert torch.allclose(prior[item, frame, :n], torch.tensor(expected).float(), atol=1e-3)
    assert torch.isinf(prior[0, :, 5:]).all()


def test_padding_changes_no_alignment():
    torch.manual_seed(0)
    aligner, text, frames = AlignmentModule(8, 6, 4).eval(), torch.randn(1, 9, 8), torch.randn(1, 20, 6)
    text[:, 7:], frames[:, 15:] = 0, 0
    padded = aligner(text, frames, torch.tensor([7]), torch.tensor([15]))
    alone = aligner(text[:, :7], frames[:, :15], torch.tensor([7]), torch.tensor([15]))
    assert torch.allclose(padded[:, :14, :6], alone[:, :14, :6], atol=1e-5)


def test_frames_follow_durations():
    model = AcousticModel(5, 4, 3, {"channels": 2, "text_blocks": 1})
    states = torch.arange(6.0).view(1, 3, 2)
    frames = model.regulate_length(states, torch.tensor([[2, 1, 3]]), torch.arange(6)[None])
    assert frames[0, :, 0].tolist() == [0, 0, 2, 4, 4, 4]
    assert torch.allclose(frames[0, :, 2], torch.tensor([0.25, 0.75, 0.5, 1 / 6, 0.5, 5 / 6]))
    assert torch.allclose(frames[0, :, 2] + frames[0, :, 3], torch.ones(6))


def test_durations_keep_their_sum_and_are_at_least_one():
    logs = torch.tensor([2.4, 0.3, 1.7, 3.6]).log()
    assert round_durations(logs).tolist() == [2, 1, 2, 4]
    torch.manual_seed(0)
    many = torch.rand(500).mul(5).add(1).log()
    assert abs(int(round_durations(many).sum()) - float(many.exp().sum())) < 1
    assert abs(int(round_durations(many, 0.5).sum()) - 2 * float(many.exp().sum())) < 1
    assert int(round_durations(many, 4.0).min()) == 1


def test_unknown_options_are_named():
    with pytest.raises(ValueError, match="no_such.*channels"):
        AcousticModel(5, 4, 3, {"no_such": 1})
    assert "no_such" not in DEFAULTS
