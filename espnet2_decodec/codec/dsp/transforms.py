"""Fixed maps between waveforms and frames: framing, overlap-add, MDCT, and spectral envelopes."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.mel import mel_filterbank


def framed(wav: Tensor, size: int, hop: int) -> Tensor:
    """Wav [B, T * hop] -> [B, T, size], frame t centred on samples t * hop .. (t + 1) * hop."""
    edge = (size - hop) // 2
    return F.pad(wav, (edge, edge)).unfold(-1, size, hop)


def overlap_add(frames: Tensor, hop: int) -> Tensor:
    """The transpose of `framed`: [..., T, size] -> [..., T * hop]. `size` is a multiple of hop."""
    count, size = frames.shape[-2:]
    parts, overlaps = frames.unflatten(-1, (-1, hop)), size // hop
    wav = sum(F.pad(parts[..., i, :], (0, 0, i, overlaps - 1 - i)) for i in range(overlaps)).flatten(-2)
    edge = (size - hop) // 2
    return wav[..., edge : edge + count * hop]


def weighted_overlap_add(frames: Tensor, window: Tensor, hop: int, mask: Tensor | None) -> Tensor:
    """Frames [..., T, size] of a signal under `window` [size] -> that signal [..., T * hop].

    Where frames are missing, at both ends and beyond a mask [..., T], the windows do not add up to what they do elsewhere; so
    the sum is divided by theirs.
    """
    if mask is None:
        count = frames.shape[-2]
        weight = overlap_add(window.expand(min(count, 2 * len(window) // hop), -1), hop)
        if len(weight) < count * hop:
            half = len(weight) // hop // 2 * hop
            middle = weight[half : half + hop].repeat(count - len(weight) // hop)
            weight = torch.cat([weight[:half], middle, weight[half:]])
    else:
        frames = frames * mask[..., None]
        weight = overlap_add(mask[..., None] * window, hop)
    return overlap_add(frames, hop) / weight.clamp(min=1e-3)


def window_sum(x: Tensor, around: tuple[int, int]) -> Tensor:
    """X [B, T, C] -> for each frame the sum of so many frames before it, itself, and so many after it, [B, T, C]."""
    before, after = around
    sums = F.pad(x.double().cumsum(1), (0, 0, before + 1, 0))
    ends = torch.arange(x.shape[1], device=x.device) + after
    upper = sums[:, before + 1 :].index_select(1, ends.clamp(max=x.shape[1] - 1))
    return (upper - sums[:, : x.shape[1]]).to(x.dtype)


def mdct_basis(hop: int, places: Tensor) -> Tensor:
    """What a pulse at `places` [M] within a frame, in samples from 0 to 2 * hop, is in the MDCT's bands: [M, hop]."""
    n, k = places.double()[:, None] + 0.5, torch.arange(hop, dtype=torch.float64)
    basis = torch.cos(math.pi / hop * (n + hop / 2) * (k + 0.5)) * math.sqrt(2 / hop)
    return basis * torch.sin(math.pi / (2 * hop) * n)


def mdct_matrix(hop: int) -> Tensor:
    """The orthonormal modified discrete cosine transform with a sine window, [2 * hop, hop].

    Frames of 2 * hop samples times this are coefficients; those times its transpose, overlapped and added, are the
    samples again (Princen and Bradley, 1986).
    """
    return mdct_basis(hop, torch.arange(2 * hop)).float()


def sign_matrix(rows: int, columns: int) -> Tensor:
    """A fixed matrix [rows, columns] of -1 and 1 without a pattern: vectors of norm 1 come out like noise of power 1."""
    index = torch.arange(rows * columns, dtype=torch.int64)
    mixed = (index * 2654435761 + 12345) % 2**32  # Knuth's multiplicative hash, then its high bits mixed in
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) % 2**32
    return (((mixed ^ (mixed >> 13)) >> 16) % 2 * 2 - 1).float().view(rows, columns)


def mel_means(sample_rate: int, n_fft: int, size: int) -> Tensor:
    """Weighted means of a magnitude spectrum over `size` mel bands, [n_fft // 2 + 1, size]; columns sum to 1."""
    filters = mel_filterbank(sample_rate, n_fft, size)
    return filters / filters.sum(0).clamp(min=1e-9)


def mel_band_means(sample_rate: int, bands: int, size: int) -> Tensor:
    """Weighted means of the magnitudes of `bands` MDCT bands over `size` mel bands, [bands, size]; columns sum to 1."""
    filters = _mel_at_bands(sample_rate, bands, size)
    return filters / filters.sum(0).clamp(min=1e-9)


def mel_interpolation(sample_rate: int, bands: int, size: int) -> Tensor:
    """Values on `size` mel bands -> values at the centres of `bands` MDCT bands, [size, bands]; columns sum to 1."""
    filters = _mel_at_bands(sample_rate, bands, size)
    peaks = (filters / filters.amax(0).clamp(min=1e-9)).T
    return peaks / peaks.sum(0).clamp(min=1e-9)


def _mel_at_bands(sample_rate: int, bands: int, size: int) -> Tensor:
    """Mel filters at the centres of the MDCT bands, which are odd multiples of half a band: [bands, size]."""
    return mel_filterbank(sample_rate, 4 * bands, size)[1::2]
