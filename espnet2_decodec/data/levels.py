"""Levels of recordings: activity by frame energy, active power, trimming, scaling to an SNR."""

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.io.gate import gain_to_snr

FRAME_LENGTH = 320
"""Samples of the frames that activity is decided on: 20 ms at 16 kHz."""
ACTIVE_RATIO = 1e-4
"""A frame is active when its power is at least this share of the loudest frame's: 40 dB below it."""
SILENCE_POWER = 1e-8
"""Frames of less power are never active: -80 dB re full scale."""


def active_frames(wav: np.ndarray) -> np.ndarray:
    """Energy-based activity: [L] -> [ceil(L / FRAME_LENGTH)] bool. The last frame is padded with zeros."""
    power = _frame_powers(wav)
    return power >= max(SILENCE_POWER, ACTIVE_RATIO * power.max(initial=0.0))


def active_power(wav: np.ndarray) -> float:
    """Mean power of the active frames of wav [L]; 0.0 when there is none."""
    active = active_frames(wav)
    return float(_frame_powers(wav)[active].mean()) if active.any() else 0.0


def trim_silence(wav: np.ndarray, margin: int = 2) -> np.ndarray:
    """[L] -> [L'] without silence at both ends except for `margin` frames; empty when no frame is active."""
    active = np.flatnonzero(active_frames(wav))
    if not len(active):
        return wav[:0]
    return wav[max(0, active[0] - margin) * FRAME_LENGTH : (active[-1] + 1 + margin) * FRAME_LENGTH]


def fade_edges(wav: Tensor, samples: int = 160) -> Tensor:
    """[L] with a fade-in and a fade-out of `samples` samples each, at most L / 2."""
    samples = min(samples, len(wav) // 2)
    ramp = torch.sin(torch.linspace(0, torch.pi / 2, samples + 2, device=wav.device)[1:-1]).square()
    gain = torch.ones_like(wav)
    gain[:samples] = ramp
    gain[len(wav) - samples :] = ramp.flip(0)
    return wav * gain


def scale_background(background: Tensor, speech: Tensor, gain: float | None, snr: float | None) -> Tensor:
    """Background [L] scaled by `gain` dB, or to an SNR of `snr` dB under speech [L]; as it is when both are None.

    Raises:
        ValueError: if both are given, or the SNR cannot be reached because one of the two is silent.
    """
    if gain is not None and snr is not None:
        raise ValueError("Give a gain of the background or an SNR, not both.")
    if snr is None:
        return background * 10 ** ((gain or 0.0) / 20)
    speech_power, power = (x.double().square().mean().item() for x in (speech, background))
    return background * gain_to_snr(speech_power, power, snr)


def _frame_powers(wav: np.ndarray) -> np.ndarray:
    """Mean square of each frame: [L] -> [ceil(L / FRAME_LENGTH)]."""
    padded = np.pad(wav.astype(np.float64), (0, -len(wav) % FRAME_LENGTH))
    return np.square(padded).reshape(-1, FRAME_LENGTH).mean(axis=1)
