"""Search and decoding of codes that span several frames, with a fixed number of levels."""

import torch
from torch.nn import functional as F

from espnet2_decodec.codec.export.excitation import count_frames
from espnet2_decodec.codec.export.frames import Context, Frames
from espnet2_decodec.codec.export.layers import inner
from espnet2_decodec.codec.overlapping_quantizer import OverlappingRVQ


def search_overlapping(
    context: Context, quantizer: OverlappingRVQ, frames: Frames, levels: int
) -> tuple[list[Frames], Frames]:
    """As `OverlappingRVQ.search`: frames [B, T, D] -> codes of each level [B, T, 1], and the residual [B, T, D].

    Each step of the search is computed for all frames, and kept for those whose turn it is, so that the result is later
    by M - 1 frames for each step.
    """
    side, mask = quantizer.frames // 2, context.valid(frames).to(frames.x.dtype)
    spread = torch.eye(quantizer.frames).repeat_interleave(quantizer.dim, dim=1)
    numbers = Frames(count_frames(context, mask, quantizer.frames), frames.delay)
    residual = Frames(frames.x * mask, frames.delay)
    codes = [Frames(torch.zeros_like(numbers.x), frames.delay) for _ in range(levels)]
    for sweep in range(quantizer.sweeps):
        for phase in reversed(range(quantizer.frames)):
            windows = _patches(context, residual, side)
            valid = Frames(context.valid(residual).to(frames.x.dtype), residual.delay)
            inside = _patches(context, valid, side)
            windows, inside, valid, residual, numbers, *codes = context.align(
                windows, inside, valid, residual, numbers, *codes
            )
            used = inside.x @ spread * valid.x
            chosen, target = numbers.x.round() == phase, windows.x
            for level, codebook in enumerate(quantizer.patches.codebooks[:levels].unbind(0)):
                last = codes[level].x
                if sweep:
                    target = target + F.embedding(last[..., 0].round().long(), codebook) * used
                index = (target @ codebook.T - 0.5 * codebook.square().sum(1)).argmax(-1)
                target = target - F.embedding(index, codebook) * used
                codes[level] = Frames(torch.where(chosen, index[..., None].to(last.dtype), last), windows.delay)
            change = _overlap_add(context, Frames((target - windows.x) * chosen, windows.delay), quantizer)
            residual, change, numbers, *codes = context.align(residual, change, numbers, *codes)
            residual = Frames(residual.x + change.x, change.delay)
    return codes, residual


def embed_overlapping(context: Context, quantizer: OverlappingRVQ, codes: Frames) -> Frames:
    """Codes of at least one level [B, T, K'] -> sum of their patches [B, T, D]."""
    books = quantizer.patches.codebooks.unbind(0)
    patches = torch.stack([F.embedding(code, book) for code, book in zip(codes.x.unbind(-1), books)]).sum(0)
    return _overlap_add(context, Frames(patches * context.valid(codes).to(patches.dtype), codes.delay), quantizer)


def _patches(context: Context, frames: Frames, side: int) -> Frames:
    """Frames [B, T, D] -> with their neighbors on each side [B, T, (2 side + 1) * D]."""
    padded, count = context.window(frames, side, side), 2 * side + 1
    return padded.map(lambda x: torch.cat([inner(x, i, 2 * side - i) for i in range(count)], dim=-1))


def _overlap_add(context: Context, patches: Frames, quantizer: OverlappingRVQ) -> Frames:
    """Patches [B, T, M * D] around each frame -> their sum [B, T, D]."""
    count, dim = quantizer.frames, quantizer.dim
    side = count // 2
    padded = context.window(patches, side, side)
    parts = [(i, slice((count - 1 - i) * dim, (count - i) * dim)) for i in range(count)]
    return padded.map(lambda x: torch.stack([inner(x, i, 2 * side - i)[..., part] for i, part in parts]).sum(0))
