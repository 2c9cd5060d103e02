"""Framing of signals, overlap-add, and sums over neighboring frames."""

import torch
from torch import Tensor
from torch.nn import functional as F


def frame_signal(wav: Tensor, size: int, hop: int) -> Tensor:
    """Wav [B, T * hop] -> frames [B, T, size]; frame t is centered on samples t * hop .. (t + 1) * hop."""
    edge = (size - hop) // 2
    return F.pad(wav, (edge, edge)).unfold(-1, size, hop)


def overlap_add(frames: Tensor, hop: int) -> Tensor:
    """The transpose of `frame_signal`: frames [..., T, size] -> [..., T * hop]; `size` is a multiple of `hop`."""
    count, size = frames.shape[-2:]
    parts, overlaps = frames.unflatten(-1, (-1, hop)), size // hop
    padded = (F.pad(parts[..., i, :], (0, 0, i, overlaps - 1 - i)) for i in range(overlaps))
    wav = sum(padded, start=frames.new_zeros(())).flatten(-2)
    edge = (size - hop) // 2
    return wav[..., edge : edge + count * hop]


def weighted_overlap_add(frames: Tensor, window: Tensor, hop: int, mask: Tensor | None) -> Tensor:
    """Windowed frames [..., T, size] of a signal -> the signal [..., T * hop].

    The sum of the frames is divided by the sum of their windows [size], which is smaller where frames are missing: at
    both ends, and beyond a mask [..., T] of valid frames.
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


def moving_sum(x: Tensor, context: tuple[int, int]) -> Tensor:
    """Sum of each frame of x [B, T, C] and of its (left, right) neighbors, [B, T, C]."""
    left, right = context
    sums = F.pad(x.double().cumsum(1), (0, 0, left + 1, 0))
    ends = torch.arange(x.shape[1], device=x.device) + right
    upper = sums[:, left + 1 :].index_select(1, ends.clamp(max=x.shape[1] - 1))
    return (upper - sums[:, : x.shape[1]]).to(x.dtype)


def mask_frames(wav: Tensor, mask: Tensor | None) -> Tensor:
    """Wav [B, T * hop], mask [B, T] of valid frames -> the same with zeros in the other frames."""
    return wav if mask is None else (wav.unflatten(1, (mask.shape[1], -1)) * mask[..., None]).flatten(1)
