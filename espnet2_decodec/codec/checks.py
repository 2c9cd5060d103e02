"""Refusals of what cannot be encoded."""

import torch
from torch import Tensor


def check_wav(wav: Tensor, lengths: Tensor | None) -> Tensor:
    """A batch of waveforms [B, L] and its lengths in samples, None when all are L long -> lengths [B] on the same device.

    Raises:
        ValueError: if the shape or the lengths cannot be right, or a sample is not finite.
    """
    if wav.ndim != 2 or wav.numel() == 0:
        raise ValueError(f"A batch of waveforms is [B, L] with at least one sample, not {tuple(wav.shape)}.")
    if not torch.isfinite(wav).all():
        raise ValueError("The waveform has samples that are not finite (NaN or infinite).")
    if lengths is None:
        return torch.full((len(wav),), wav.shape[1], device=wav.device)
    if lengths.shape != wav.shape[:1] or int(lengths.min()) < 1 or int(lengths.max()) > wav.shape[1]:
        raise ValueError(
            f"Lengths must be {len(wav)} numbers within 1..{wav.shape[1]} samples, not {lengths.tolist()}."
        )
    return lengths.to(wav.device)


def check_levels(wanted: int | None, most: int, name: str) -> int:
    """How many levels are wanted; all when None.

    Raises:
        ValueError: if there are not as many.
    """
    if wanted is None:
        return most
    if not 0 <= wanted <= most:
        raise ValueError(f"{name} levels must be within 0..{most}, not {wanted}.")
    return wanted
