"""Beam search for residual vector quantization."""

import torch
from torch import Tensor

CHUNK = 1024
"""Frames that are searched at a time."""


def beam_search(frames: Tensor, codebooks: Tensor, beam: int, sign_symmetric: bool = False) -> Tensor:
    """Codes whose sum over the levels is near to each frame.

    After each level the `beam` best partial sums are kept; greedy search keeps one.

    Args:
        frames: [M, D].
        codebooks: [K, N, D].
        beam: number of partial sums.
        sign_symmetric: whether the second half of each codebook is the negative of the first; of each code and its
            negative, the nearer one is kept.

    Returns:
        [M, K] int64.
    """
    if not len(codebooks):
        return torch.zeros(len(frames), 0, dtype=torch.long, device=frames.device)
    return torch.cat([search_frames(part, codebooks, beam, sign_symmetric) for part in frames.split(CHUNK)])


def search_frames(frames: Tensor, codebooks: Tensor, beam: int, sign_symmetric: bool) -> Tensor:
    """`beam_search` of all frames at once, at least one. |r - c|^2 is smallest where r'c - |c|^2 / 2 is largest."""
    size = int(codebooks.shape[1]) // (2 if sign_symmetric else 1)
    residual, score = frames[:, None], torch.zeros_like(frames[:, :1])
    codes: list[Tensor] = []  # of each level so far, [M, kept]
    levels = codebooks.unbind(0)
    kept = 1
    for level, codebook in enumerate(levels, start=1):
        centers = codebook[:size]
        products = residual @ centers.T  # [M, kept, N]
        gain = products.abs() if sign_symmetric else products
        gain = gain - 0.5 * centers.square().sum(1) + score[..., None]
        kept = 1 if level == len(levels) else min(beam, kept * size)
        score, best = gain.flatten(1).topk(kept, dim=1)
        parent, index = best // size, best % size
        if sign_symmetric:
            index = index + size * (products.flatten(1).gather(1, best) < 0).long()
        parents = parent[..., None].expand(-1, -1, residual.shape[2])
        residual = residual.gather(1, parents) - torch.nn.functional.embedding(index, codebook)
        codes = [*(earlier.gather(1, parent) for earlier in codes), index]
    return torch.cat(codes, dim=1)
