"""Energy ratios: equal to a reference implementation, scale invariance, silence."""

import pytest
import torch

from espnet2_decodec.training.energy_ratios import relative_level, sdr, si_sdr


@pytest.fixture
def pair():
    torch.manual_seed(0)
    reference = torch.randn(3, 4000) * 0.1
    return reference, 0.7 * reference + torch.tensor([0.001, 0.02, 0.3])[:, None] * torch.randn(3, 4000)


def test_si_sdr_equals_fast_bss_eval(pair):
    bss = pytest.importorskip("fast_bss_eval", reason="fast-bss-eval is not installed")
    reference, estimate = (x.double() for x in pair)
    expected = bss.si_sdr(reference[:, None], estimate[:, None], zero_mean=False)[:, 0]
    torch.testing.assert_close(si_sdr(reference, estimate), expected, atol=1e-3, rtol=0)


def test_si_sdr_ignores_scale_and_sdr_does_not(pair):
    reference, estimate = pair
    torch.testing.assert_close(si_sdr(reference, -5 * estimate), si_sdr(reference, estimate), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        sdr(reference, 0.9 * reference), torch.full((3,), 20.0, dtype=torch.double), atol=1e-3, rtol=0
    )


def test_silence(pair):
    reference, estimate = pair
    nothing = torch.zeros_like(reference)
    assert si_sdr(nothing, estimate).isnan().all() and sdr(nothing, estimate).isnan().all()
    assert si_sdr(reference, nothing).isnan().all()
    assert (sdr(reference, nothing) == 0).all()
    assert (relative_level(nothing, reference) == -100).all() and relative_level(reference, nothing).isnan().all()
    assert (sdr(reference, reference) == 100).all()


def test_relative_level(pair):
    reference, _ = pair
    torch.testing.assert_close(relative_level(0.1 * reference, reference), torch.full((3,), -20.0, dtype=torch.double))
