"""Metrics of one file: equal to what their packages say, defined at silence, named when missing."""

import math

import numpy as np
import pytest
import torch

from espnet2_decodec.evaluation.metrics import registry as metrics
from espnet2_decodec.evaluation.metrics.perceptual import speaker_similarity
from espnet2_decodec.evaluation.metrics.registry import METRICS, available, si_sdr_improvement

RATE = 16000


@pytest.fixture(scope="module")
def voice():
    """Two seconds of something like speech, and the same with noise."""
    torch.manual_seed(0)
    t = torch.arange(2 * RATE) / RATE
    buzz = sum(torch.sin(2 * math.pi * 120 * k * t) / k for k in range(1, 20))
    clean = 0.1 * buzz * (0.6 + 0.4 * torch.sin(2 * math.pi * 4 * t)) * (t % 1 < 0.7)
    return clean, clean + 0.02 * torch.randn(len(t))


def test_pesq_and_stoi_are_those_of_their_packages(voice):
    pesq = pytest.importorskip("pesq", reason="pesq is not installed")
    pystoi = pytest.importorskip("pystoi", reason="pystoi is not installed")
    clean, noisy = voice
    expected = pesq.pesq(RATE, clean.numpy(), noisy.numpy(), "wb"), pystoi.stoi(clean.numpy(), noisy.numpy(), RATE)
    assert METRICS["pesq"](clean, noisy, RATE) == pytest.approx(expected[0], abs=1e-3)
    assert METRICS["stoi"](clean, noisy, RATE) == pytest.approx(expected[1], abs=1e-3)


def test_silence_has_no_pesq_and_no_stoi(voice):
    pytest.importorskip("pesq", reason="pesq is not installed")
    pytest.importorskip("pystoi", reason="pystoi is not installed")
    nothing = torch.zeros_like(voice[0])
    assert math.isnan(METRICS["pesq"](nothing, voice[1], RATE)) and math.isnan(METRICS["stoi"](nothing, voice[1], RATE))
    assert math.isnan(METRICS["pesq"](voice[0], nothing, RATE))
    assert math.isnan(METRICS["stoi"](voice[0][:3000], voice[1][:3000], RATE))


def test_mel_distance_by_hand(voice):
    """The definition once more, with numpy's Fourier transform and torchaudio's filters."""
    torchaudio = pytest.importorskip("torchaudio", reason="torchaudio is not installed")
    total = 0.0
    for size, bands in ((2048, 150), (512, 80)):
        filters = torchaudio.functional.melscale_fbanks(
            size // 2 + 1, 0.0, RATE / 2, bands, RATE, norm="slaney", mel_scale="slaney"
        ).numpy()
        mels = []
        for wav in voice:
            wav = np.pad(wav.numpy(), size // 2, mode="reflect")
            frames = np.lib.stride_tricks.sliding_window_view(wav, size)[:: size // 4]
            mels.append(np.abs(np.fft.rfft(frames * torch.hann_window(size).numpy())) @ filters)
        logs = [np.log10(np.maximum(m, 1e-5) ** 2) for m in mels]
        total += np.abs(logs[0] - logs[1]).mean() + np.abs(mels[0] - mels[1]).mean()
    assert METRICS["mel"](*voice, RATE) == pytest.approx(total, abs=1e-3)
    assert METRICS["mel"](voice[0], voice[0], RATE) == 0


def test_mel_distance_of_silence_and_of_one_sample(voice):
    nothing = torch.zeros_like(voice[0])
    assert METRICS["mel"](nothing, nothing, RATE) == 0
    assert math.isfinite(METRICS["mel"](nothing, voice[0], RATE))
    assert math.isfinite(METRICS["mel"](voice[0][:1], voice[1][:1], RATE))


def test_improvement(voice):
    clean, noisy = voice
    assert si_sdr_improvement(clean, noisy, noisy) == 0
    assert math.isnan(si_sdr_improvement(clean, noisy, clean))
    better = clean + 0.1 * (noisy - clean)
    assert si_sdr_improvement(clean, better, noisy) == pytest.approx(20, abs=0.2)
    assert metrics.sdr(clean, better, RATE) - metrics.sdr(clean, noisy, RATE) == pytest.approx(20, abs=1e-3)


def test_dnsmos_stands_for_its_parts(monkeypatch):
    monkeypatch.setattr(metrics, "find_spec", lambda name: name)
    known = METRICS | metrics.DNSMOS
    assert available(["sdr", "dnsmos"], known)[0] == ["sdr", "dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl"]
    with pytest.raises(ValueError, match="Unknown metric 'dnsmos'"):
        available(["dnsmos"])


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(metrics, "find_spec", lambda name: None)
    names, lines = available(["si_sdr", "pesq", "stoi"])
    assert names == ["si_sdr"] and "pesq is not installed" in lines[0] and "pystoi is not installed" in lines[1]
    with pytest.raises(ValueError, match="Unknown metric 'visqol'"):
        available(["visqol"])


def test_voices_are_compared_as_their_package_does(voice):
    resemblyzer = pytest.importorskip("resemblyzer", reason="resemblyzer is not installed")
    clean, noisy = voice
    encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)
    first, second = (encoder.embed_utterance(resemblyzer.preprocess_wav(wav.numpy() * 0.999)) for wav in voice)
    assert speaker_similarity(clean, noisy, RATE) == pytest.approx(float(first @ second), abs=1e-3)
    assert speaker_similarity(clean, clean, RATE) == pytest.approx(1, abs=1e-5)
    assert math.isnan(speaker_similarity(clean, torch.zeros(RATE), RATE))
    with pytest.raises(ValueError, match="16000 Hz"):
        speaker_similarity(clean, noisy, 8000)
