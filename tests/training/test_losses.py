"""Reconstruction terms, adversarial losses and semantic distillation."""

import math

import pytest
import torch

from espnet2_decodec.training import adversarial
from espnet2_decodec.training.adversarial import MultiScaleDiscriminator
from espnet2_decodec.training.losses import ReconstructionLoss
from espnet2_decodec.training.semantic import SemanticHead


@pytest.fixture(scope="module")
def terms():
    return ReconstructionLoss()


def test_a_perfect_estimate_costs_nothing_but_the_floor(terms):
    target = torch.randn(2, 4000)
    values = terms(target, target, torch.ones(2, 1))
    assert float(values["snr"]) == pytest.approx(-1.04, abs=0.05)
    assert all(float(values[name]) == pytest.approx(0.0, abs=1e-6) for name in ("waveform", "stft", "mel"))


def test_the_snr_term_is_tenths_of_decibels_of_error():
    target = torch.randn(1, 16000)
    values = ReconstructionLoss(floor=1e-4)(target + 10 ** (-10 / 20) * torch.randn(1, 16000), target, torch.ones(1, 1))
    assert float(values["snr"]) == pytest.approx(-1.0, abs=0.03)


def test_decodings_without_waveform_levels_are_compared_by_magnitudes_alone(terms):
    """A phase that is wrong costs nothing there, a level that is wrong does."""
    target = torch.randn(2, 4000)
    flipped = torch.stack([target[0], -target[1]])
    has_waveform, rms = torch.tensor([True, False]), torch.ones(2, 1)
    right, wrong = terms(target, target, rms, has_waveform), terms(flipped, target, rms, has_waveform)
    torch.testing.assert_close(wrong["stft"], right["stft"])
    torch.testing.assert_close(wrong["snr"], terms(target[:1], target[:1], torch.ones(1, 1))["snr"])
    assert terms(flipped, target, rms)["snr"] > right["snr"] + 0.5
    softer = terms(torch.stack([target[0], target[1] / 10]), target, rms, has_waveform)
    assert softer["mel"] > right["mel"] + 0.3 and softer["stft"] > right["stft"] + 0.1


def test_the_synthesized_part_is_compared_by_magnitudes_alone(terms):
    target, noise, rms = torch.randn(2, 4000), torch.randn(2, 4000), torch.ones(2, 1)
    plain, filled = terms(target, target, rms), terms(target + noise, target, rms, None, noise)
    torch.testing.assert_close(filled["snr"], plain["snr"])
    torch.testing.assert_close(filled["waveform"], plain["waveform"], atol=1e-6, rtol=0)
    assert filled["mel"] > plain["mel"] + 0.05


def test_the_reference_rms_removes_the_level(terms):
    estimate, target = torch.randn(2, 4000), torch.randn(2, 4000)
    loud = terms(estimate, target, torch.ones(2, 1))
    quiet = terms(estimate / 100, target / 100, torch.full((2, 1), 0.01))
    for name in loud:
        torch.testing.assert_close(loud[name], quiet[name], rtol=1e-4, atol=1e-5)


def test_silence_is_a_target_like_any_other(terms):
    estimate = (torch.randn(2, 4000) * 0.1).requires_grad_()
    silence = torch.zeros(2, 4000)
    values = terms(estimate, silence, torch.ones(2, 1))
    sum(values.values()).backward()
    assert torch.isfinite(estimate.grad).all() and estimate.grad.abs().sum() > 0
    perfect = terms(silence, silence, torch.ones(2, 1))
    assert all(value.detach() > perfect[name] for name, value in values.items())


def test_least_squares_at_its_optima():
    ones, zeros = [torch.ones(1, 1, 4, 4)], [torch.zeros(1, 1, 4, 4)]
    assert float(adversarial.discriminator_loss(ones, zeros)) == 0.0
    assert float(adversarial.generator_loss(ones)) == 0.0 and float(adversarial.generator_loss(zeros)) == 1.0


def test_feature_matching_is_relative_and_reaches_the_fake_only():
    discriminator = MultiScaleDiscriminator(windows=(256,), channels=4)
    real, fake = torch.randn(1, 2000, requires_grad=True), torch.randn(1, 2000, requires_grad=True)
    loss = adversarial.feature_matching_loss(discriminator(real), discriminator(fake))
    loss.backward()
    assert real.grad is None or not real.grad.any()
    assert fake.grad.abs().sum() > 0
    assert float(adversarial.feature_matching_loss(discriminator(real), discriminator(real))) == 0.0


def test_distillation_loss_is_lowest_where_the_head_predicts_the_teacher():
    head = SemanticHead(6, 6).eval()
    with torch.no_grad():
        head.map[1].weight.copy_(torch.eye(6)[..., None])
        head.map[1].bias.zero_()
    features = torch.randn(3, 6, 20)
    speaks = torch.tensor([True, True, False])
    best = float(head(features, features, speaks))
    assert best == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-3)
    assert float(head(-features, features, speaks)) == pytest.approx(math.log(1 + math.exp(1)), abs=1e-3)


def test_items_without_speech_do_not_count():
    head, features = SemanticHead(4, 4).eval(), torch.randn(2, 4, 10)
    silent = torch.tensor([False, False])
    assert float(head(torch.randn(2, 4, 10), features, silent)) == 0.0
