"""Log-mel frames, and statistics over windows of frames: the features of probes."""

import torch
from torch import Tensor

from espnet2_decodec.codec.dsp.mel import mel_filterbank
from espnet2_decodec.evaluation.mixture_set import segment_number

WINDOW_FRAMES = 50
"""1 s at 50 frames per second."""
N_MELS = 40
MIN_MAGNITUDE = 1e-5
"""Mel magnitudes are clamped to this before the logarithm."""


def log_mel(wav: Tensor, sample_rate: int, hop: int) -> Tensor:
    """Wav [L] -> [T, 40] log-mel magnitudes in windows of 2 hops, T = ceil(L / hop), with the codec's frame centers."""
    frames = -(-len(wav) // hop)
    padded = torch.nn.functional.pad(wav.float(), (hop // 2, frames * hop - len(wav) + hop))
    spectra = torch.fft.rfft(padded.unfold(0, 2 * hop, hop)[:frames] * torch.hann_window(2 * hop)).abs()
    return (spectra @ mel_filterbank(sample_rate, 2 * hop, N_MELS)).clamp(min=MIN_MAGNITUDE).log()


def window_statistics(frames: Tensor) -> Tensor:
    """[T, D] -> [W, 2 D]: mean and standard deviation over windows of 1 s.

    A rest at the end is a window if it is at least half as long; a shorter recording is one window.
    """
    parts = list(frames.split(WINDOW_FRAMES))
    if len(parts) > 1 and len(parts[-1]) < WINDOW_FRAMES // 2:
        parts.pop()
    return torch.stack([torch.cat([part.mean(0), part.std(0, correction=0)]) for part in parts])


def segment_of(key: str) -> str:
    """The number of the segment in the id of a test mixture, the same at every SNR; the whole id where it has none."""
    return segment_number(key) or key
