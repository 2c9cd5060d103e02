"""DNSMOS of segments beside that of the package, which repeats them up to 9 s."""

import pytest
import torch

from research.segment_dnsmos import segment_dnsmos


@pytest.mark.parametrize("length", [8000 + 80, 1600])
def test_lengths_that_the_network_cannot_take(length):
    with pytest.raises(ValueError, match="multiple of 160"):
        segment_dnsmos(torch.zeros(1, length))


def test_scores_are_near_those_of_the_package_and_independent_of_the_level():
    pytest.importorskip("speechmos", reason="speechmos is not installed")
    from espnet2_decodec.evaluation.metrics.perceptual import dnsmos

    generator = torch.Generator().manual_seed(0)
    time = torch.arange(20480) / 16000
    pulses = (time * 120 % 1 < 0.05).float() * torch.sin(9 * time).square()
    wavs = torch.stack([pulses + level * torch.randn(20480, generator=generator) for level in (0.0, 0.01, 0.1, 1.0)])
    wavs = 0.05 * wavs / wavs.square().mean(1, keepdim=True).sqrt()
    scores = segment_dnsmos(wavs)
    expected = torch.tensor([dnsmos(wav, wav, 16000, "ovrl") for wav in wavs])
    assert scores.shape == (4,) and torch.allclose(scores, expected, atol=0.3)
    assert torch.allclose(segment_dnsmos(10 * wavs), scores, atol=1e-3)
    assert torch.allclose(torch.cat([segment_dnsmos(wav[None]) for wav in wavs]), scores, atol=1e-4)
