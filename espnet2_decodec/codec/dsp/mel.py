"""Mel filters in torch, for losses and metrics."""

import torch
from torch import Tensor


def hz_to_mel(hz: Tensor) -> Tensor:
    """Slaney's mel scale: 3 mel per 200 Hz up to 1 kHz, then 27 mel per factor of 6.4."""
    above = 15 + 27 * torch.log(hz.clamp(min=1000) / 1000) / torch.log(hz.new_tensor(6.4))
    return torch.where(hz < 1000, hz * 3 / 200, above)


def mel_to_hz(mel: Tensor) -> Tensor:
    """The inverse of `hz_to_mel`."""
    above = 1000 * torch.pow(mel.new_tensor(6.4), (mel - 15) / 27)
    return torch.where(mel < 15, mel * 200 / 3, above)


def mel_filterbank(sample_rate: int, n_fft: int, n_mels: int) -> Tensor:
    """Triangular filters of equal area (Slaney, 1998; librosa's default), from 0 Hz to half the sample rate.

    `magnitude @ mel_filterbank(...)` maps a spectrogram [..., T, F] to [..., T, n_mels].

    Args:
        sample_rate: Hz.
        n_fft: length of the Fourier transform in samples; F = n_fft // 2 + 1.
        n_mels: number of filters. Where they lie closer than the bins, some stay empty.

    Returns:
        [F, n_mels] float32.

    Raises:
        ValueError: if one of them is below 1.
    """
    if min(sample_rate, n_fft, n_mels) < 1:
        raise ValueError(f"Mel filters need positive numbers, not {sample_rate} Hz, n_fft {n_fft}, {n_mels} filters.")
    nyquist = torch.tensor(sample_rate / 2, dtype=torch.float64)
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)[:, None]
    edges = mel_to_hz(torch.linspace(0, hz_to_mel(nyquist).item(), n_mels + 2, dtype=torch.float64))
    low, center, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = torch.minimum((bins - low) / (center - low), (high - bins) / (high - center)).clamp(min=0)
    return (triangles * 2 / (high - low)).float()


def stft_to_mel(sample_rate: int, n_fft: int, n_mels: int) -> Tensor:
    """Matrix [n_fft // 2 + 1, n_mels] from STFT magnitudes to their weighted means over mel bands; columns sum to 1."""
    filters = mel_filterbank(sample_rate, n_fft, n_mels)
    return filters / filters.sum(0).clamp(min=1e-9)


def mdct_to_mel(sample_rate: int, bands: int, n_mels: int) -> Tensor:
    """Matrix [bands, n_mels] from MDCT magnitudes to their weighted means over mel bands; columns sum to 1."""
    filters = _mel_filters_at_mdct_bands(sample_rate, bands, n_mels)
    return filters / filters.sum(0).clamp(min=1e-9)


def mel_to_mdct(sample_rate: int, bands: int, n_mels: int) -> Tensor:
    """Matrix [n_mels, bands] that interpolates mel magnitudes at the centers of the MDCT bands; columns sum to 1."""
    filters = _mel_filters_at_mdct_bands(sample_rate, bands, n_mels)
    peaks = (filters / filters.amax(0).clamp(min=1e-9)).T
    return peaks / peaks.sum(0).clamp(min=1e-9)


def _mel_filters_at_mdct_bands(sample_rate: int, bands: int, n_mels: int) -> Tensor:
    """Mel filters at the centers of the MDCT bands, which are odd multiples of half a band: [bands, n_mels]."""
    return mel_filterbank(sample_rate, 4 * bands, n_mels)[1::2]
