"""Mixing: levels, special cases, repeatability."""

import pytest
import torch

from espnet2_decodec.data import augment
from espnet2_decodec.data.mixing import Mixing

PLAIN = dict(
    clean_prob=0.0,
    background_only_prob=0.0,
    extra_background_prob=0.0,
    noise_prob=0.0,
    babble_prob=0.0,
    equalize_prob=0.0,
    reverb_prob=0.0,
    lowpass_prob=0.0,
    clip_prob=0.0,
)


def draw(seed: int = 0, batch: int = 6, length: int = 8000, sounds: int = 2):
    generator = torch.Generator().manual_seed(seed)
    speech = torch.randn(batch, length, generator=generator) * 0.1
    return speech, torch.randn(batch, sounds, length, generator=generator) * 0.02, generator


def rms(wav):
    return wav.square().mean(1).sqrt()


@pytest.mark.parametrize("snr", [-5.0, 0.0, 20.0])
def test_snr_is_what_was_asked_for(snr):
    batch = Mixing(snr=(snr, snr), **PLAIN)(*draw())
    measured = 20 * torch.log10(rms(batch.speech) / rms(batch.background))
    torch.testing.assert_close(measured, torch.full((6,), snr), atol=0.3, rtol=0)


def test_level_is_that_of_the_mixture_and_nothing_clips():
    batch = Mixing(level=(-30.0, -30.0), **PLAIN)(*draw())
    torch.testing.assert_close(20 * torch.log10(rms(batch.mixture)), torch.full((6,), -30.0), atol=1e-3, rtol=0)
    loud = Mixing(level=(0.0, 0.0), **PLAIN)(*draw())
    assert float(loud.mixture.abs().max()) <= 0.981


def test_clean_and_background_alone_are_exactly_silent_on_the_other_side():
    clean = Mixing(**{**PLAIN, "clean_prob": 1.0})(*draw())
    assert not clean.background.any() and clean.speech.abs().amax(1).min() > 0
    alone = Mixing(**{**PLAIN, "background_only_prob": 1.0})(*draw())
    assert not alone.speech.any() and alone.background.abs().amax(1).min() > 0


def test_one_generator_state_gives_one_batch():
    first, second, other = (Mixing()(*draw(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.speech, second.speech) and torch.equal(first.background, second.background)
    assert not torch.equal(first.background, other.background)


def test_clipping_flattens_each_stem_by_itself():
    """Gaussian noise has peaks above three times its RMS; clipped at or below that, many samples are equal."""
    batch = Mixing(**{**PLAIN, "clip_prob": 1.0})(*draw())
    for stem in (batch.speech, batch.background):
        peaks = stem.abs().amax(1, keepdim=True)
        assert ((stem.abs() > 0.999 * peaks).float().mean(1) > 0.002).all()
    torch.testing.assert_close(batch.mixture, batch.speech + batch.background)


def test_everything_is_finite_even_from_silence():
    speech, sounds, generator = draw()
    batch = Mixing(equalize_prob=1.0, reverb_prob=1.0, lowpass_prob=1.0, clip_prob=1.0, extra_background_prob=1.0)(
        speech * 0, sounds * 0, generator
    )
    assert torch.isfinite(batch.mixture).all() and not batch.speech.any()


def test_a_silent_background_is_replaced_by_synthetic_noise():
    speech, sounds, generator = draw()
    assert Mixing(**PLAIN)(speech, sounds * 0, generator).background.abs().amax(1).min() > 0


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="Mixing needs"):
        Mixing()(torch.zeros(2, 100), torch.zeros(2, 1, 99))


def test_change_of_speed_shifts_a_tone():
    time = torch.arange(16000) / 16000
    faster = augment.change_speed(torch.sin(2 * torch.pi * 1000 * time)[None], 8000)
    assert faster.shape == (1, 8000)
    assert int(torch.fft.rfft(faster).abs().argmax()) == 1000  # 1000 periods within half a second: 2 kHz
    assert float(faster.abs().max()) == pytest.approx(1.0, abs=0.01)
