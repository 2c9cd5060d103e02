"""Metrics of the evaluation are those of their packages."""

import math

import pytest
import torch

from espnet2_decodec.evaluation.benchmark import SAMPLE_RATE
from espnet2_decodec.evaluation.metrics import listening
from espnet2_decodec.evaluation.metrics.info import METRICS as METRIC_INFO
from espnet2_decodec.evaluation.metrics.registry import (
    DNSMOS,
    METRICS,
    ON_REQUEST,
    ON_REQUEST_PACKAGES,
    available,
    measure,
)

FAST = ("si_sdr", "sdr", "mel")


@pytest.fixture(scope="module")
def voice():
    """A second of something like speech, and the same with noise."""
    torch.manual_seed(0)
    t = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    clean = 0.1 * sum(torch.sin(2 * math.pi * 120 * k * t) / k for k in range(1, 20)) * (t % 0.5 < 0.4)
    return clean, clean + 0.02 * torch.randn(len(t))


def test_metrics_of_a_comparison_are_those_of_their_packages(voice):
    """Each with its own order of arguments, and its own resampling."""
    pesq = pytest.importorskip("pesq", reason="pesq is not installed")
    pystoi = pytest.importorskip("pystoi", reason="pystoi is not installed")
    bss = pytest.importorskip("fast_bss_eval", reason="fast-bss-eval is not installed")
    clean, noisy = voice
    mixture = noisy + 0.1 * clean.roll(400)
    found = measure("speech", clean, noisy, mixture, ("si_sdr", "pesq", "stoi"), SAMPLE_RATE)
    reference, estimate = (x.double()[None].numpy() for x in (clean, noisy))
    expected = {
        "si_sdr": float(bss.si_sdr(reference, estimate, zero_mean=False)[0]),
        "si_sdri": float((bss.si_sdr(reference, estimate) - bss.si_sdr(reference, mixture.double()[None].numpy()))[0]),
        "pesq": pesq.pesq(SAMPLE_RATE, clean.numpy(), noisy.numpy(), "wb"),
        "stoi": pystoi.stoi(clean.numpy(), noisy.numpy(), SAMPLE_RATE),
        "level": 10 * math.log10(noisy.square().sum() / mixture.square().sum()),
    }
    assert found == pytest.approx(expected, abs=1e-3)
    backwards = (
        pesq.pesq(SAMPLE_RATE, noisy.numpy(), clean.numpy(), "wb"),
        pystoi.stoi(noisy.numpy(), clean.numpy(), SAMPLE_RATE),
    )
    assert found["pesq"] != pytest.approx(backwards[0], abs=1e-3) and found["stoi"] != pytest.approx(
        backwards[1], abs=1e-3
    )


@pytest.mark.slow
def test_dnsmos_is_that_of_its_package(voice):
    pytest.importorskip("speechmos", reason="speechmos is not installed")
    from speechmos import dnsmos

    clean, noisy = voice
    loud = 3 * noisy / noisy.abs().max()
    found = measure("speech", clean, loud, noisy, tuple(DNSMOS), SAMPLE_RATE)
    expected = dnsmos.DNSMOS(dnsmos.dnsmos.primary_model_path, dnsmos.dnsmos.p808_onnx_sess._model_path)(
        loud.clamp(-1, 1).numpy(), SAMPLE_RATE, False
    )
    for part in ("sig", "bak", "ovrl"):
        assert found[f"dnsmos_{part}"] == pytest.approx(float(expected[f"{part}_mos"]), abs=1e-3)
    background = measure("background", noisy - clean, loud, noisy, tuple(DNSMOS), SAMPLE_RATE)
    assert all(math.isnan(background[name]) for name in DNSMOS)
    assert math.isnan(DNSMOS["dnsmos_sig"](torch.zeros(SAMPLE_RATE), noisy, SAMPLE_RATE))
    with pytest.raises(ValueError, match="16000 Hz, not 8000"):
        DNSMOS["dnsmos_sig"](clean, noisy, 8000)


def test_metrics_on_request(voice, monkeypatch):
    """Words and naturalness by stand-ins of their packages; undefined for other targets and for silence."""
    clean, noisy = voice
    heard, normalized = {True: "one two three", False: "one too three four"}, listening.normalize_level(clean)
    monkeypatch.setattr(listening, "_recognizer", lambda: lambda wav, rate, language: heard[wav.equal(normalized)])
    monkeypatch.setattr(listening, "_distillmos_model", lambda: lambda wav: 3.5 * torch.ones(len(wav), 1))
    found = measure("speech", clean, noisy, noisy, ("dwer", "distillmos"), SAMPLE_RATE)
    assert found["dwer"] == pytest.approx(2 / 3) and found["distillmos"] == 3.5
    assert measure("speech", clean, clean, noisy, ("dwer",), SAMPLE_RATE)["dwer"] == 0
    other = measure("background", clean, noisy, noisy, tuple(ON_REQUEST), SAMPLE_RATE)
    assert all(math.isnan(other[name]) for name in ON_REQUEST)
    silence = torch.zeros(SAMPLE_RATE)
    assert math.isnan(listening.distillmos(silence, noisy, SAMPLE_RATE))
    assert math.isnan(listening.differential_word_error_rate(silence, noisy, SAMPLE_RATE))
    with pytest.raises(ValueError, match="16000 Hz, not 8000"):
        listening.distillmos(clean, noisy, 8000)
    assert ON_REQUEST.keys() <= METRIC_INFO.keys() and ON_REQUEST.keys() == ON_REQUEST_PACKAGES.keys()


def test_metrics_that_are_not_there_are_named(monkeypatch):
    from espnet2_decodec.evaluation.metrics import registry as metrics

    monkeypatch.setattr(metrics, "find_spec", lambda name: None)
    names, lines = available(["sdr", "dnsmos_sig"], METRICS | DNSMOS)
    assert names == ["sdr"] and lines == ["dnsmos_sig is skipped: speechmos is not installed (pip install speechmos)."]
    with pytest.raises(ValueError, match="Unknown metric 'dnsmos_sig'"):
        available(["dnsmos_sig"])
