"""A background as long as is needed, at the level that is wanted, without clicks."""

import torch
from torch import Tensor

SILENT = 1e-5
"""RMS, of full scale, under which nothing is heard: -100 dB."""


def fitted(wav: Tensor, length: int, fade: int, edge: int = 160) -> Tensor:
    """wav [L] -> [length]: cut, or repeated with crossfades that keep the power of noise.

    Args:
        wav: at least one sample.
        length: samples wanted.
        fade: samples of a crossfade; half of `wav` at most.
        edge: samples over which the beginning and the end come and go.
    """
    if len(wav) < length:
        fade = min(fade, len(wav) // 2)
        period = len(wav) - fade
        ramp = torch.sin(torch.linspace(0, torch.pi / 2, fade + 2, device=wav.device)[1:-1])
        piece = wav.clone()
        piece[:fade] *= ramp
        piece[len(wav) - fade :] *= ramp.flip(0)
        count = -(-(length - fade) // period)
        looped = wav.new_zeros(count * period + fade)
        for start in range(0, count * period, period):
            looped[start : start + len(wav)] += piece
        looped[:fade] += wav[:fade] * (1 - ramp)  # the first one does not fade in
        wav = looped
    wav = wav[:length].clone()
    edge = min(edge, length // 2)
    slope = torch.sin(torch.linspace(0, torch.pi / 2, edge + 2, device=wav.device)[1:-1]).square()
    wav[:edge] *= slope
    wav[length - edge :] *= slope.flip(0)
    return wav


def leveled(background: Tensor, speech: Tensor, gain: float | None, snr: float | None) -> Tensor:
    """background [L] amplified by `gain` dB, or so that the power of speech [L] is `snr` dB over its own.

    Raises:
        ValueError: if both are given, or an SNR cannot be reached because one of the two is silent.
    """
    if gain is not None and snr is not None:
        raise ValueError("Give a gain of the background or an SNR, not both.")
    if snr is None:
        return background * 10 ** ((gain or 0.0) / 20)
    powers = [x.double().square().mean().sqrt().item() for x in (speech, background)]
    if min(powers) < SILENT:
        raise ValueError(f"An SNR cannot be reached: the {'speech' if powers[0] < SILENT else 'background'} is silent.")
    return background * (powers[0] / powers[1] / 10 ** (snr / 20))
