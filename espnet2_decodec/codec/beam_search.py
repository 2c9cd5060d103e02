"""Beam search for residual vector quantization."""

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 256
"""Frames that are searched at a time: their scores fit a CPU cache."""

GROUPS = 8
"""Codes in a column of which only the maximum is compared at first, see `_best`."""


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
    parts = frames.split(CHUNK if frames.device.type == "cpu" else 16 * CHUNK)
    return torch.cat([search_frames(part, codebooks, beam, sign_symmetric) for part in parts])


def search_frames(frames: Tensor, codebooks: Tensor, beam: int, sign_symmetric: bool) -> Tensor:
    """`beam_search` of all frames at once, at least one. |r - c|^2 is smallest where r'c - |c|^2 / 2 is largest."""
    size = int(codebooks.shape[1]) // (2 if sign_symmetric else 1)
    residual, score = frames[:, None], torch.zeros_like(frames[:, :1])
    codes: list[Tensor] = []  # of each level so far, [M, kept]
    levels = codebooks.unbind(0)
    biases = -0.5 * codebooks[:, :size].square().sum(2)
    kept = 1
    for level, codebook in enumerate(levels, start=1):
        flat, centers = residual.flatten(0, 1), codebook[:size].T
        if sign_symmetric:
            products = flat @ centers
            gain = products.abs().add_(biases[level - 1])
        else:
            gain = torch.addmm(biases[level - 1], flat, centers)
        count = 1 if level == len(levels) else min(beam, kept * size)
        score, parent, index = _best(gain.unflatten(0, (-1, kept)), score, count)
        if sign_symmetric:
            negative = products.unflatten(0, (-1, kept)).flatten(1).gather(1, parent * size + index) < 0
            index = index + size * negative.long()
        rows = parent + kept * torch.arange(frames.shape[0], device=frames.device)[:, None]
        residual = F.embedding(rows, flat) - F.embedding(index, codebook)
        codes = [*(earlier.gather(1, parent) for earlier in codes), index]
        kept = count
    return torch.cat(codes, dim=1)


def _best(gain: Tensor, score: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The codes with the largest sums of a gain [M, P, N] and of the score [M, P] of the partial sum before it.

    The maximum of each column of `GROUPS` codes is found first. The best codes are in the columns with the largest
    maxima, so that the slow selection of several values is made among few.

    Returns:
        Sum, partial sum and code, [M, count] each.
    """
    size = int(gain.shape[2])
    width = size // GROUPS
    if size % GROUPS or width * gain.shape[1] < count:
        score, best = (gain + score[..., None]).flatten(1).topk(count, dim=1)
        return score, best // size, best % size
    columns = gain.unflatten(2, (GROUPS, width))
    chosen = (columns.amax(2) + score[..., None]).flatten(1).topk(count, dim=1).indices  # [M, count]
    parent, column = chosen // width, chosen % width
    codes = column[:, None] + width * torch.arange(GROUPS, device=gain.device)[:, None]  # [M, GROUPS, count]
    candidates = gain.flatten(1).gather(1, (size * parent[:, None] + codes).flatten(1))
    candidates = candidates.unflatten(1, (GROUPS, count)) + score.gather(1, parent)[:, None]
    score, best = candidates.flatten(1).topk(count, dim=1)
    return score, parent.gather(1, best % count), codes.flatten(1).gather(1, best)
