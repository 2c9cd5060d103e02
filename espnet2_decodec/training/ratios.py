"""Energy ratios in dB between a reference and an estimate, batched, in torch alone.

Silence is treated in one way everywhere: a ratio to a silent reference, or the scale-invariant ratio of an estimate
without any energy, is undefined and comes out as NaN. Averages leave NaN out.
"""

import torch
from torch import Tensor

SILENT = 1e-10
"""Mean square below which a reference counts as silent: -100 dB re full scale, under one 16-bit step."""


def sdr(reference: Tensor, estimate: Tensor) -> Tensor:
    """Plain signal-to-distortion ratio 10 log10(|s|^2 / |e - s|^2): level and sign count.

    Args:
        reference: [..., L] s.
        estimate: [..., L] e.

    Returns:
        [...] dB, at most 100; NaN where the reference is silent.
    """
    return _ratio(reference, reference, estimate - reference)


def si_sdr(reference: Tensor, estimate: Tensor) -> Tensor:
    """Scale-invariant ratio |a s|^2 / |e - a s|^2 with a = <e, s> / |s|^2 (Le Roux et al., 2019, arXiv 1811.02508).

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
    found = _ratio(reference, target, estimate - target)
    return torch.where(estimate.square().sum(-1) > 0, found, torch.nan)


def level(signal: Tensor, reference: Tensor) -> Tensor:
    """How loud `signal` [..., L] is beside `reference` [..., L]: dB, at least -100; NaN for a silent reference."""
    return -_ratio(reference, reference, signal)


def mean(values: Tensor) -> Tensor:
    """The mean of what is defined: values [...] -> scalar, NaN when all are NaN."""
    return values.nanmean()


def _ratio(reference: Tensor, wanted: Tensor, rest: Tensor) -> Tensor:
    """10 log10(|wanted|^2 / |rest|^2) in dB within -100..100; NaN where the reference [..., L] is silent."""
    wanted, rest = wanted.double().square().sum(-1), rest.double().square().sum(-1)
    decibel = 10 * (wanted.clamp(min=1e-30).log10() - rest.clamp(min=1e-30).log10())
    audible = reference.double().square().mean(-1) > SILENT
    return torch.where(audible, decibel.clamp(-100, 100), torch.nan)
