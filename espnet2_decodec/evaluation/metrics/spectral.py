"""The mel distance that codecs are compared by."""

from functools import lru_cache

import torch
from torch import Tensor

from espnet2_decodec.codec.dsp.mel import mel_filterbank

SCALES = ((2048, 150), (512, 80))
"""(window in samples, mel filters) of each scale, with a hop of a quarter of the window."""

FLOOR = 1e-5
"""Mel magnitudes are raised to this before the logarithm, so silence is a spectrum like any other."""


def mel_distance(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Mean absolute difference of mel spectra and of their logarithms, summed over two scales.

    This is the MelSpectrogramLoss of DAC (Kumar et al., 2023, arXiv 2306.06546) with the defaults that its evaluation
    script uses: Hann windows of 2048 and 512 samples, 150 and 80 mel filters from 0 Hz up, |m - m'| plus
    |log10 m^2 - log10 m'^2| of magnitudes m of at least 1e-5. Here it is taken at the codec's own rate.
    It depends on the level: 0 for equal signals, about 0.7 for a good neural codec at 8 kbit/s.

    Args:
        reference, estimate: [L] at `sample_rate` Hz. Silence on either side needs no special case.
    """
    total = torch.zeros(())
    for size, bands in SCALES:
        mine, other = (_mel(x.float().cpu(), size, bands, sample_rate) for x in (estimate, reference))
        logs = (mine.clamp(min=FLOOR).log10() - other.clamp(min=FLOOR).log10()).abs().mean()
        total = total + 2 * logs + (mine - other).abs().mean()
    return total.item()


def _mel(wav: Tensor, size: int, bands: int, sample_rate: int) -> Tensor:
    """[L] -> mel magnitudes [T, bands]. The edges are mirrored; a signal too short for that is filled up with zeros."""
    wav = torch.nn.functional.pad(wav, (0, max(0, size // 2 + 1 - wav.shape[0])))
    window, filters = _tools(size, bands, sample_rate)
    spectrum = torch.stft(wav, size, size // 4, window=window, center=True, pad_mode="reflect", return_complex=True)
    return spectrum.abs().T @ filters


@lru_cache
def _tools(size: int, bands: int, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Window [size] and mel filters [F, bands]."""
    return torch.hann_window(size), mel_filterbank(sample_rate, size, bands)
