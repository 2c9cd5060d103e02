"""The distance in what a recognizer reads, on a tiny Whisper."""

import pytest
import torch

from espnet2_decodec.training.teachers.whisper import WhisperNetwork
from research.recognizer_distance import RecognizerDistance


@pytest.fixture
def distance():
    """Of an untrained network."""
    torch.manual_seed(0)
    return RecognizerDistance(WhisperNetwork(layers=1, dim=16, heads=2, final_norm=True), torch.randn(24, 16))


def test_distance_is_zero_for_clean_speech_and_grows_with_noise(distance):
    clean = 0.1 * torch.randn(3, 6400) * torch.linspace(0, 1, 6400)
    noise = 0.1 * torch.randn(3, 6400)
    assert distance(clean, clean) == 0
    assert 0 < distance(clean + 0.1 * noise, clean) < distance(clean + noise, clean)


def test_distance_ignores_the_common_level_and_silent_items(distance):
    clean, wav = 0.1 * torch.randn(2, 2, 6400)
    assert torch.allclose(distance(wav, clean), distance(0.01 * wav, 0.01 * clean), rtol=1e-3)
    silent = torch.cat([clean, torch.zeros(1, 6400)])
    assert torch.equal(distance(torch.cat([wav, wav[:1]]), silent), distance(wav, clean))
    assert distance(wav, torch.zeros_like(wav)) == 0


def test_gradients_reach_the_speech_alone(distance):
    clean, wav = 0.1 * torch.randn(2, 2, 6400)
    wav.requires_grad_()
    distance(wav, clean).backward()
    assert wav.grad.abs().sum() > 0 and torch.isfinite(wav.grad).all()
    assert all(weight.grad is None for weight in distance.parameters())
