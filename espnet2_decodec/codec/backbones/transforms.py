"""Fixed maps between waveforms and frames: framing, overlap-add, MDCT, and spectral envelopes."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.mel import mel_filterbank


def framed(wav: Tensor, size: int, hop: int) -> Tensor:
    """wav [B, T * hop] -> [B, T, size], frame t centred on samples t * hop .. (t + 1) * hop."""
    edge = (size - hop) // 2
    return F.pad(wav, (edge, edge)).unfold(-1, size, hop)


def overlap_add(frames: Tensor, hop: int) -> Tensor:
    """The transpose of `framed`: [..., T, size] -> [..., T * hop]. `size` is a multiple of hop."""
    count, size = frames.shape[-2:]
    parts, overlaps = frames.unflatten(-1, (-1, hop)), size // hop
    wav = sum(F.pad(parts[..., i, :], (0, 0, i, overlaps - 1 - i)) for i in range(overlaps)).flatten(-2)
    edge = (size - hop) // 2
    return wav[..., edge : edge + count * hop]


def mdct_matrix(hop: int) -> Tensor:
    """The orthonormal modified discrete cosine transform with a sine window, [2 * hop, hop].

    Frames of 2 * hop samples times this are coefficients; those times its transpose, overlapped and added, are the
    samples again (Princen and Bradley, 1986).
    """
    n = torch.arange(2 * hop, dtype=torch.float64)[:, None]
    k = torch.arange(hop, dtype=torch.float64)
    basis = torch.cos(math.pi / hop * (n + 0.5 + hop / 2) * (k + 0.5)) * math.sqrt(2 / hop)
    return (basis * torch.sin(math.pi / (2 * hop) * (n + 0.5))).float()


def mel_means(sample_rate: int, n_fft: int, size: int) -> Tensor:
    """Weighted means of a magnitude spectrum over `size` mel bands, [n_fft // 2 + 1, size]; columns sum to 1."""
    filters = mel_filterbank(sample_rate, n_fft, size)
    return filters / filters.sum(0).clamp(min=1e-9)


def mel_interpolation(sample_rate: int, bands: int, size: int) -> Tensor:
    """Values on `size` mel bands -> values at the centres of `bands` MDCT bands, [size, bands]; columns sum to 1."""
    filters = mel_filterbank(sample_rate, 4 * bands, size)[1::2]  # odd multiples of half a band: the centres
    peaks = (filters / filters.amax(0).clamp(min=1e-9)).T
    return peaks / peaks.sum(0).clamp(min=1e-9)
