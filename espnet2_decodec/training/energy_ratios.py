"""SDR, SI-SDR and relative levels in dB, batched, in torch alone.

Silence is treated in one way everywhere: a ratio to a silent reference, or the scale-invariant ratio of an estimate
without energy, is undefined and given as NaN. Averages leave NaN out.
"""

import torch
from torch import Tensor

SILENCE_POWER = 1e-10
"""Mean square below which a reference counts as silent: -100 dB re full scale, under one 16-bit step."""


def sdr(reference: Tensor, estimate: Tensor) -> Tensor:
    """Signal-to-distortion ratio 10 log10(|s|^2 / |e - s|^2), sensitive to scale and sign.

    Args:
        reference: [..., L] s.
        estimate: [..., L] e.

    Returns:
        [...] dB, within -100..100; NaN where the reference is silent.
    """
    return _ratio(reference, reference, estimate - reference)


def si_sdr(reference: Tensor, estimate: Tensor) -> Tensor:
    """Scale-invariant SDR |a s|^2 / |e - a s|^2 with a = <e, s> / |s|^2 (Le Roux et al., 2019, arXiv 1811.02508).

    The mean is not removed first.

    Args:
        reference: [..., L] s.
        estimate: [..., L] e.

    Returns:
        [...] dB, within -100..100; NaN where the reference is silent or the estimate has no energy.
    """
    reference, estimate = reference.double(), estimate.double()
    scale = (reference * estimate).sum(-1) / reference.square().sum(-1).clamp(min=1e-30)
    target = scale[..., None] * reference
    ratio = _ratio(reference, target, estimate - target)
    return torch.where(estimate.square().sum(-1) > 0, ratio, torch.nan)


def relative_level(signal: Tensor, reference: Tensor) -> Tensor:
    """Level of `signal` [..., L] relative to `reference` [..., L] in dB, at least -100; NaN for a silent reference."""
    return -_ratio(reference, reference, signal)


def _ratio(reference: Tensor, signal: Tensor, noise: Tensor) -> Tensor:
    """10 log10(|signal|^2 / |noise|^2) in dB within -100..100; NaN where the reference [..., L] is silent."""
    signal_energy, noise_energy = signal.double().square().sum(-1), noise.double().square().sum(-1)
    decibel = 10 * (signal_energy.clamp(min=1e-30).log10() - noise_energy.clamp(min=1e-30).log10())
    audible = reference.double().square().mean(-1) > SILENCE_POWER
    return torch.where(audible, decibel.clamp(-100, 100), torch.nan)
