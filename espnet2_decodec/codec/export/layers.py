"""Layers that combine neighboring frames: framing, overlap-add, means, convolutions."""

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.deep_filter import BandBlock, BandSplitDeepFilter
from espnet2_decodec.codec.dsp.convnext import ConvNeXtBlock, ConvNeXtStack
from espnet2_decodec.codec.export.frames import Context, Frames


def frame_signal(context: Context, wav: Frames, count: int) -> Frames:
    """Samples [B, T, hop] -> frames [B, T, count * hop] centered on each hop, `count` odd."""
    side = count // 2
    hops = context.window(wav, side, side)
    return hops.map(lambda x: torch.cat([inner(x, i, 2 * side - i) for i in range(count)], dim=-1))


def overlap_add(context: Context, frames: Frames, window: Tensor, hop: int) -> Frames:
    """Windowed frames [B, T, size] of a signal -> its samples [B, T, hop], as `weighted_overlap_add`.

    Args:
        context: of the frames.
        frames: centered on each hop.
        window: [size], of the frames; size is a multiple of hop, or of hop / 2.
        hop: in samples.
    """
    pad = (-len(window) % (2 * hop) + hop) % (2 * hop) // 2  # to an odd multiple of the hop
    side = (len(window) + 2 * pad) // hop // 2
    parts = context.window(frames.map(lambda x: F.pad(x, (pad, pad)).unflatten(-1, (-1, hop))), side, side)
    weights = F.pad(window, (pad, pad)).unflatten(-1, (-1, hop))
    valid = context.window(Frames(context.valid(frames), frames.delay), side, side).x
    shifts = [(2 * side - i, i) for i in range(2 * side + 1)]
    total = torch.stack([inner(valid, *shift) * weight for shift, weight in zip(shifts, weights)]).sum(0)
    return parts.map(
        lambda x: torch.stack([inner(x, *shift)[:, :, shift[1]] for shift in shifts]).sum(0) / total.clamp(min=1e-3)
    )


def inner(x: Tensor, left: int, right: int) -> Tensor:
    """X [B, left + T + right, ...] -> [B, T, ...]."""
    return x[:, left : -right or None]


def moving_mean(context: Context, frames: Frames, size: tuple[int, int]) -> Frames:
    """Mean of each frame [B, T, C] and of its (left, right) neighbors within the recording."""
    counts = context.window(Frames(context.valid(frames), frames.delay), *size).x
    sums = context.window(frames, *size)
    return sums.map(lambda x: _moving_sum(x, sum(size)) / _moving_sum(counts, sum(size)).clamp(min=1))


def _moving_sum(x: Tensor, count: int) -> Tensor:
    """Sums of `count` + 1 consecutive frames of x [B, T + count, C]: [B, T, C]."""
    sums = F.pad(x.double().cumsum(1), (0, 0, 1, 0))
    return (sums[:, count + 1 :] - sums[:, : -(count + 1)]).to(x.dtype)


def stack_features(context: Context, stack: ConvNeXtStack, frames: Frames) -> Frames:
    """`ConvNeXtStack.features`: [B, T, C_in] -> [B, T, C]."""
    hidden = frames.map(lambda x: stack.norm_in(stack.in_proj(x)))
    for block in stack.blocks:
        assert isinstance(block, ConvNeXtBlock)
        hidden = _convnext(context, block, hidden)
    return hidden.map(stack.norm_out)


def apply_stack(context: Context, stack: ConvNeXtStack, frames: Frames) -> Frames:
    """`ConvNeXtStack`: [B, T, C_in] -> [B, T, C_out]."""
    return stack_features(context, stack, frames).map(stack.out_proj)


def _convnext(context: Context, block: ConvNeXtBlock, frames: Frames) -> Frames:
    """`ConvNeXtBlock`: [B, T, C] -> [B, T, C]."""
    left, right = block.pad

    def apply(x: Tensor) -> Tensor:
        y = F.conv1d(x.transpose(1, 2), block.dwconv.weight, block.dwconv.bias, groups=x.shape[-1]).transpose(1, 2)
        return inner(x, left, right) + block.gamma * block._pointwise(y)

    return context.window(frames, left, right).map(apply)


def deep_filter(
    context: Context, network: BandSplitDeepFilter, mixture: Frames, estimate: Frames, level: Frames, hidden: Frames
) -> Frames:
    """`BandSplitDeepFilter`; arguments as there, spectra as real and imaginary parts [B, T, 2, F]."""
    planes = [tuple(spectra.x.unbind(2)) for spectra in (mixture, estimate)]
    x = network._embed(network._features(planes, level.x))
    bands = Frames(x + network.context(hidden.x).unflatten(-1, (network.bands, -1)), hidden.delay)
    for block in network.blocks:
        assert isinstance(block, BandBlock)
        bands = _band_block(context, block, bands)
    left, right = (2, 0) if network.causal else (1, 1)
    mixture, _ = context.align(mixture, bands)
    neighbors = context.window(mixture, left, right)
    bands, estimate, neighbors = context.align(bands, estimate, neighbors)
    gain, *taps = network._project(network.norm(bands.x)).unflatten(-2, (-1, 2)).unbind(-3)
    speech = estimate.x + product(estimate.x, gain, 2)
    for i, tap in enumerate(taps):
        speech = speech + product(inner(neighbors.x, i, network.taps - 1 - i), tap, 2)
    return Frames(speech, estimate.delay)


def _band_block(context: Context, block: BandBlock, frames: Frames) -> Frames:
    """`BandBlock`: [B, T, K, C] -> [B, T, K, C]."""
    size, bands = block.dwconv.kernel_size
    left, right = (block.pad, 0) if block.pad else (size // 2, size // 2)

    def apply(x: Tensor) -> Tensor:
        weight, bias = block.dwconv.weight, block.dwconv.bias
        y = F.conv2d(x.permute(0, 3, 1, 2), weight, bias, padding=(0, bands // 2), groups=len(weight))
        return inner(x, left, right) + block.gamma * block._pointwise(y.permute(0, 2, 3, 1))

    return context.window(frames, left, right).map(apply)


def product(a: Tensor, b: Tensor, axis: int) -> Tensor:
    """Product of complex numbers whose real and imaginary parts stand along an axis."""
    (ar, ai), (br, bi) = a.unbind(axis), b.unbind(axis)
    return torch.stack([ar * br - ai * bi, ar * bi + ai * br], dim=axis)
