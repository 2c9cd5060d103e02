"""Log-mel frames, and statistics over windows of frames: what probes look at."""

import re

import torch
from torch import Tensor

from espnet2_decodec.codec.dsp.mel import mel_filterbank

WINDOW = 50
"""Frames over which statistics are taken: 1 s at 50 frames a second."""
BANDS = 40
FLOOR = 1e-5
"""Magnitude below which a mel band counts as silent."""


def log_mel(wav: Tensor, sample_rate: int, hop: int) -> Tensor:
    """Wav [L] -> [T, 40] log-mel magnitudes in windows of 2 hops, T = ceil(L / hop), frame t centred as the codec's."""
    frames = -(-len(wav) // hop)
    padded = torch.nn.functional.pad(wav.float(), (hop // 2, frames * hop - len(wav) + hop))
    spectra = torch.fft.rfft(padded.unfold(0, 2 * hop, hop)[:frames] * torch.hann_window(2 * hop)).abs()
    return (spectra @ mel_filterbank(sample_rate, 2 * hop, BANDS)).clamp(min=FLOOR).log()


def windowed(frames: Tensor) -> Tensor:
    """[T, D] -> [W, 2 D]: mean and standard deviation over windows of 1 s; what is left over at the end counts from half a
    window on, and a recording that is shorter is one window.
    """
    parts = list(frames.split(WINDOW))
    if len(parts) > 1 and len(parts[-1]) < WINDOW // 2:
        parts.pop()
    return torch.stack([torch.cat([part.mean(0), part.std(0, correction=0)]) for part in parts])


def segment(key: str) -> str:
    """The number of the segment in the id of a test mixture, the same at every SNR; the whole id where it has none."""
    found = re.search(r"_(\d+)_[^_]+$", key)
    return found[1] if found else key
