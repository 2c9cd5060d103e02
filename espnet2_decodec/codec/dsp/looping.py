"""Looping of a signal or of tokens to a given length."""

from collections.abc import Iterator

import torch
from torch import Tensor


def loop_to_length(x: Tensor, length: int, valid: Tensor | None = None, crossfade: int = 0) -> Tensor:
    """Repeat `x` along its last dimension, or cut it: [..., N] -> [..., length].

    Args:
        x: [..., N] samples or tokens; N is at least 1.
        length: number of entries of the result.
        valid: [B] how many first entries of each item of x [B, ..., N] are repeated; None for all.
        crossfade: entries over which each repetition fades into the next one with constant power, at most N / 2; not
            together with `valid`.
    """
    size = x.shape[-1]
    if valid is not None:
        index = torch.arange(length, device=x.device) % valid.to(x.device)[:, None]
        return x.gather(-1, index.view(len(x), *[1] * (x.ndim - 2), length).expand(*x.shape[:-1], -1))
    crossfade = min(crossfade, size // 2)
    if not crossfade or size >= length:
        return x.repeat(*[1] * (x.ndim - 1), -(-length // size))[..., :length]
    return torch.cat(list(loop_blocks(x, length, crossfade)), dim=-1)


def loop_blocks(x: Tensor, length: int, crossfade: int) -> Iterator[Tensor]:
    """Repeat `x` [..., N] to `length` entries like `loop_to_length`, as blocks [..., n] with n <= N.

    Args:
        x: samples; N is at least 1.
        length: number of entries in total.
        crossfade: entries over which each repetition fades into the next one with constant power, at most N / 2.
    """
    size = x.shape[-1]
    if size >= length:
        yield x[..., :length]
        return
    crossfade = min(crossfade, size // 2)
    period = size - crossfade
    repeated = x[..., :period]
    yield repeated
    if crossfade:
        fade_in = torch.sin(torch.linspace(0, torch.pi / 2, crossfade, dtype=x.dtype, device=x.device))
        repeated = repeated.clone()
        repeated[..., :crossfade] = x[..., :crossfade] * fade_in + x[..., period:] * fade_in.flip(0)
    for start in range(period, length, period):
        yield repeated[..., : length - start]
