"""The GAN arithmetic: least squares (Mao et al., 2017) and feature matching, over any discriminator that
returns a list of (logits, feature maps).
"""

import torch
from torch import Tensor

Judgement = list[tuple[Tensor, list[Tensor]]]


def discriminator_loss(real: Judgement, fake: Judgement) -> Tensor:
    """Mean over scales of (D(real) - 1)^2 + D(fake)^2."""
    return torch.stack([(r - 1).square().mean() + f.square().mean() for (r, _), (f, _) in zip(real, fake)]).mean()


def generator_loss(fake: Judgement) -> Tensor:
    """Mean over scales of (D(fake) - 1)^2."""
    return torch.stack([(f - 1).square().mean() for f, _ in fake]).mean()


def feature_loss(real: Judgement, fake: Judgement) -> Tensor:
    """Mean absolute difference of feature maps, relative to the size of the real ones."""
    gaps = [
        (r.detach() - f).abs().mean() / r.detach().abs().mean().clamp(min=1e-6)
        for (_, reals), (_, fakes) in zip(real, fake)
        for r, f in zip(reals, fakes)
    ]
    return torch.stack(gaps).mean()
