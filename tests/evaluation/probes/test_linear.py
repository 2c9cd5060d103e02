"""Linear probes: they learn what is linear, nothing from noise, and never see what they are tested on."""

import pytest
import torch

from espnet2_decodec.evaluation.probes.features import log_mel, segment_of, window_statistics
from espnet2_decodec.evaluation.probes.linear import (
    L2_PENALTY,
    LinearProbe,
    assign_folds,
    cross_validate,
    majority_baseline,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_a_probe_finds_what_is_linear_at_any_scale():
    y = torch.randint(3, (300,))
    x = torch.randn(300, 6) + torch.eye(3, 6)[y] * 6
    scaled = x * torch.tensor([1e-3, 1, 1e3, 1, 1, 0]) + 5
    for features in (x, scaled):
        probe = LinearProbe(features[:200], y[:200], 3)
        assert (probe(features[200:]).argmax(1) == y[200:]).float().mean() > 0.95
        assert torch.allclose(probe(features).exp().sum(1), torch.ones(300), atol=1e-5)


def test_noise_gives_chance_and_the_gradient_is_zero_at_the_end():
    x, y = torch.randn(400, 8), torch.randint(2, (400,))
    held = [i % 5 for i in range(400)]
    assert abs((cross_validate(x, y, held, 2).argmax(1) == y).float().mean() - 0.5) < 0.1
    probe = LinearProbe(x, y, 2)
    value = torch.nn.functional.cross_entropy(probe._standardize(x) @ probe.weight + probe.bias, y)
    probe.weight.grad = None
    (value + L2_PENALTY / 400 * probe.weight.square().sum()).backward()
    assert probe.weight.grad.norm() < 1e-3


def test_groups_stay_whole_and_labels_are_dealt_out():
    groups = [f"g{i // 3}" for i in range(36)]
    labels = ["a" if i < 18 else "b" for i in range(36)]
    held = assign_folds(labels, groups, 3)
    assert all(len({h for h, g in zip(held, groups) if g == group}) == 1 for group in set(groups))
    assert all({h for h, lab in zip(held, labels) if lab == label} == {0, 1, 2} for label in "ab")
    with pytest.raises(ValueError, match="c has fewer"):
        assign_folds(["a", "a", "c"], ["1", "2", "3"])


def test_a_leak_between_groups_would_show():
    """Features that tell the group and nothing of the label are worthless for held-out groups."""
    groups = torch.arange(20).repeat_interleave(5)
    y = (groups // 2) % 2
    held = assign_folds(y.tolist(), groups.tolist(), 5)
    found = cross_validate(torch.eye(20)[groups], y, held, 2)
    assert (found.argmax(1) == y).float().mean() < 0.7
    assert majority_baseline(torch.tensor([0, 0, 0, 1]), [0, 1, 0, 1]).tolist() == [1, 1, 1, 0]


def test_frames_and_windows():
    wav = torch.randn(3201)
    frames = log_mel(wav, 16000, 320)
    assert frames.shape == (11, 40) and torch.isfinite(log_mel(torch.zeros(10), 16000, 320)).all()
    assert window_statistics(torch.randn(124, 3)).shape == (2, 6) and window_statistics(torch.randn(125, 3)).shape == (
        3,
        6,
    )
    assert window_statistics(torch.ones(3, 2)).tolist() == [[1, 1, 0, 0]]
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(3200) / 16000)
    assert log_mel(torch.cat([torch.zeros(3200), tone]), 16000, 320).mean(1).argmax() >= 10
    assert segment_of("asterisk_en_013_snr-5") == "013" and segment_of("anna") == "anna"


def test_bad_shapes():
    with pytest.raises(ValueError, match="features"):
        LinearProbe(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), 2)
