"""Batches of recordings with different lengths: padding and masks."""

import torch
from torch import Tensor
from torch.nn import functional as F


def length_mask(lengths: Tensor, longest: int) -> Tensor:
    """Lengths [B] -> [B, longest] bool, True before each length."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def frame_mask(lengths: Tensor | None, hop: int, frames: int) -> Tensor | None:
    """Lengths [B] in samples -> mask of valid frames [B, frames] bool; None when all are valid."""
    if lengths is None:
        return None
    counts = (lengths + hop - 1) // hop
    return None if int(counts.min()) >= frames else length_mask(counts, frames)


def pad_to_frames(wav: Tensor, lengths: Tensor | None, hop: int) -> tuple[Tensor, Tensor | None]:
    """Set samples of wav [B, L] beyond each length to zero, and pad with zeros to whole frames.

    Returns:
        wav [B, T * hop], and the mask of valid frames [B, T], None when all are valid.
    """
    if lengths is not None and int(lengths.min()) < wav.shape[1]:
        wav = wav * length_mask(lengths, wav.shape[1])
    wav = F.pad(wav, (0, -wav.shape[1] % hop))
    return wav, frame_mask(lengths, hop, wav.shape[1] // hop)
