"""Nearest centres, and k-means, of frames; centres may come in pairs of opposites."""

import torch
from torch import Tensor

from espnet2_decodec.codec.tiles import TILE


def mirror(half: Tensor) -> Tensor:
    """[N / 2, D] and their negatives: [N, D]."""
    return torch.cat([half, -half])


def kmeans(frames: Tensor, size: int, rounds: int, mirrored: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Lloyd's algorithm: frames [M, D] -> centres [size, D], assignment [M], counts [size].

    Mirrored, the second half of the centres is the negative of the first, and the counts are means over each pair.
    """
    centres = frames[torch.randperm(len(frames), device=frames.device)[:size]].clone()
    for _ in range(rounds + 1):
        if mirrored:
            centres = mirror(centres[: size // 2])
        indices = nearest(frames, centres, mirrored)
        counts = torch.bincount(indices, minlength=size).to(frames.dtype)
        sums = torch.zeros_like(centres).index_add_(0, indices, frames)
        if mirrored:
            half = size // 2
            sums, counts = mirror(sums[:half] - sums[half:]) / 2, (counts + counts.roll(half)) / 2
        found, found_counts = centres, counts
        spare = frames[torch.randint(len(frames), (size,), device=frames.device)]
        centres = torch.where((counts > 0)[:, None], sums / counts.clamp(min=0.5)[:, None], spare)
    return found, indices, found_counts


def nearest(frames: Tensor, centres: Tensor, mirrored: bool = False) -> Tensor:
    """Index of the nearest centre for each frame, in blocks that keep memory small.

    |x - c|^2 is least where x'c - |c|^2 / 2 is most; among mirrored centres, of which half are looked at, where |x'c| - |c|^2 / 2
    is. `max` is asked for the index: on a CPU `argmax` takes twice as long.
    """
    bias = -0.5 * centres.square().sum(1)
    blocks = frames.split(TILE if frames.device.type == "cpu" else 16 * TILE)
    if not mirrored:
        return torch.cat([torch.addmm(bias, block, centres.T).max(1).indices for block in blocks])
    half, found = len(centres) // 2, []
    for block in blocks:
        products = block @ centres[:half].T
        best = products.abs().add_(bias[:half]).max(1).indices
        found.append(best + half * (products.gather(1, best[:, None])[:, 0] < 0))
    return torch.cat(found)
