"""f0 and voicing as two coordinates of the latent."""

import pytest
import torch

from espnet2_decodec.codec.dsp.overlap_add import frame_signal
from espnet2_decodec.codec.dsp.pitch import PitchEstimator

RATE, HOP, SIZE = 16000, 320, 960


def hum(f0: float, seconds: float = 1.0) -> torch.Tensor:
    """[1, L] of a tone with decaying harmonics, as in a voice."""
    time = torch.arange(int(RATE * seconds)) / RATE
    return 0.1 * sum(torch.sin(2 * torch.pi * k * f0 * time + k) / k for k in range(1, 20) if k * f0 < 4000)[None]


def measured(wav: torch.Tensor) -> tuple[PitchEstimator, torch.Tensor]:
    """The module, and the coordinates [T, 2] of wav [1, L] without its first and last frames."""
    window = torch.hann_window(SIZE)
    pitch = PitchEstimator(RATE, window)
    spectra = torch.fft.rfft(frame_signal(wav, SIZE, HOP) * window) * (2 / SIZE**0.5)
    return pitch, pitch(spectra.abs().square())[0, 2:-2]


@pytest.mark.parametrize("f0", [75, 120, 210, 385])
@pytest.mark.parametrize("level", [1.0, 0.05])
def test_f0_of_a_tone(f0, level):
    pitch, coordinates = measured(level * hum(f0))
    frequency, voiced = pitch.decode(coordinates)
    assert voiced.all()
    torch.testing.assert_close(frequency, torch.full_like(frequency, f0), rtol=0.01, atol=0)


def test_f0_of_a_tone_in_softer_noise():
    pitch, coordinates = measured(hum(150) + 0.03 * torch.randn(1, RATE, generator=torch.Generator().manual_seed(0)))
    frequency, voiced = pitch.decode(coordinates)
    assert voiced.all() and (frequency / 150).log2().abs().max() < 0.05


def test_noise_is_rarely_voiced():
    pitch, coordinates = measured(torch.randn(1, 10 * RATE, generator=torch.Generator().manual_seed(0)))
    assert pitch.decode(coordinates)[1].float().mean() < 0.1


def test_silence_has_no_pitch():
    assert not measured(torch.zeros(1, RATE))[1].any()
    assert not measured(1e-5 * hum(120))[1].any()


def test_frames_too_short_for_f0_min_are_refused():
    with pytest.raises(ValueError, match="needs frames longer"):
        PitchEstimator(RATE, torch.hann_window(256))
