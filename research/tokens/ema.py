"""Exponential moving average of a module's weights, which are the weights that are evaluated."""

import copy

import torch
from torch import nn


class EMA:
    """Averaged copy of a module; buffers such as codebooks are copied.

    Args:
        module: the module in training.
        decay: after n updates it is min(decay, (1 + n) / (10 + n)).
    """

    def __init__(self, module: nn.Module, decay: float = 0.999):
        self.module, self.decay, self.updates = copy.deepcopy(module).eval().requires_grad_(False), decay, 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Update with the weights after a step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averaged, current = list(self.module.parameters()), [p.detach() for p in module.parameters()]
        torch._foreach_lerp_(averaged, current, 1 - decay)
        for own, other in zip(self.module.buffers(), module.buffers()):
            own.copy_(other)
