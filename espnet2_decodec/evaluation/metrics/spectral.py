"""Mel distance between two waveforms."""

from functools import lru_cache

import torch
from torch import Tensor

from espnet2_decodec.codec.dsp.mel import mel_filterbank

SCALES = ((2048, 150), (512, 80))
"""(window in samples, mel filters) of each scale, with a hop of a quarter of the window."""

MIN_MAGNITUDE = 1e-5
"""Mel magnitudes are clamped to this before the logarithm, so the distance of silence is defined."""


def mel_distance(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Mean absolute difference of mel spectra and of their logarithms, summed over two scales.

    This is the MelSpectrogramLoss of DAC (Kumar et al., 2023, arXiv 2306.06546) with the defaults that its evaluation
    script uses: Hann windows of 2048 and 512 samples, 150 and 80 mel filters from 0 Hz up, |m - m'| plus
    |log10 m^2 - log10 m'^2| of magnitudes m of at least 1e-5. It depends on the level: 0 for equal signals, about 0.7
    for a good neural codec at 8 kbit/s.

    Args:
        reference: [L].
        estimate: [L].
        sample_rate: Hz.
    """
    total = torch.zeros(())
    for size, n_mels in SCALES:
        mel, target = (_mel(x.float().cpu(), size, n_mels, sample_rate) for x in (estimate, reference))
        logs = (mel.clamp(min=MIN_MAGNITUDE).log10() - target.clamp(min=MIN_MAGNITUDE).log10()).abs().mean()
        total = total + 2 * logs + (mel - target).abs().mean()
    return total.item()


def _mel(wav: Tensor, size: int, n_mels: int, sample_rate: int) -> Tensor:
    """[L] -> mel magnitudes [T, n_mels]. The edges are reflected; a signal too short for that is padded with zeros."""
    wav = torch.nn.functional.pad(wav, (0, max(0, size // 2 + 1 - wav.shape[0])))
    window, filters = _window_and_filters(size, n_mels, sample_rate)
    spectrum = torch.stft(wav, size, size // 4, window=window, center=True, pad_mode="reflect", return_complex=True)
    return spectrum.abs().T @ filters


@lru_cache
def _window_and_filters(size: int, n_mels: int, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Window [size] and mel filters [F, n_mels]."""
    return torch.hann_window(size), mel_filterbank(sample_rate, size, n_mels)
