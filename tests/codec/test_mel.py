"""Mel filters: equal to torchaudio's, and shaped as promised."""

import pytest
import torch

from espnet2_decodec.codec.dsp.mel import hz_to_mel, mel_filterbank, mel_to_hz


def test_scale_is_invertible():
    hz = torch.linspace(0, 8000, 200, dtype=torch.float64)
    torch.testing.assert_close(mel_to_hz(hz_to_mel(hz)), hz)


@pytest.mark.parametrize("n_fft, n_mels", [(2048, 150), (512, 80), (32, 5)])
def test_equal_to_torchaudio(n_fft, n_mels):
    torchaudio = pytest.importorskip("torchaudio", reason="torchaudio is not installed")
    expected = torchaudio.functional.melscale_fbanks(
        n_fft // 2 + 1, 0.0, 8000.0, n_mels, 16000, norm="slaney", mel_scale="slaney"
    )
    torch.testing.assert_close(mel_filterbank(16000, n_fft, n_mels), expected, atol=1e-5, rtol=1e-3)


def test_area_is_one():
    filters = mel_filterbank(16000, 4096, 20)
    assert filters.shape == (2049, 20)
    torch.testing.assert_close(filters.sum(0) * 16000 / 4096, torch.ones(20), atol=0.01, rtol=0)


def test_bad_numbers():
    with pytest.raises(ValueError, match="positive"):
        mel_filterbank(16000, 512, 0)
