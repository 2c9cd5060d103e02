"""Checks of arguments: waveforms, lengths, numbers of levels and codes."""

import torch
from torch import Tensor

from espnet2_decodec.types import Codes


def check_wav(wav: Tensor, lengths: Tensor | None) -> Tensor:
    """Lengths [B] in samples of a batch of waveforms [B, L], on its device; L for all when None.

    Raises:
        ValueError: if the shape or the lengths are invalid, or a sample is not finite.
    """
    if wav.ndim != 2 or wav.numel() == 0:
        raise ValueError(f"A batch of waveforms is [B, L] with at least one sample, not {tuple(wav.shape)}.")
    check_finite(wav)
    if lengths is None:
        return torch.full((len(wav),), wav.shape[1], device=wav.device)
    if lengths.shape != wav.shape[:1] or int(lengths.min()) < 1 or int(lengths.max()) > wav.shape[1]:
        raise ValueError(
            f"Lengths must be {len(wav)} numbers within 1..{wav.shape[1]} samples, not {lengths.tolist()}."
        )
    return lengths.to(wav.device)


def check_finite(wav: Tensor) -> None:
    """Raise a ValueError if a sample is NaN or infinite."""
    if not torch.isfinite(wav).all():
        raise ValueError("The waveform has samples that are not finite (NaN or infinite).")


def check_levels(levels: int | None, available: int, name: str) -> int:
    """The number of levels; all that are available when None.

    Args:
        levels: requested number.
        available: number of levels of the quantizer.
        name: of the stream, for the message.

    Raises:
        ValueError: if the number is not within 0..available.
    """
    if levels is None:
        return available
    if not 0 <= levels <= available:
        raise ValueError(f"{name} levels must be within 0..{available}, not {levels}.")
    return levels


def check_sample_rate(codes: Codes, sample_rate: int) -> None:
    """Raise a ValueError if the codes have another sample rate."""
    if codes.sample_rate != sample_rate:
        raise ValueError(f"The codes are of {codes.sample_rate} Hz audio, but this codec works at {sample_rate} Hz.")


def check_codes(codes: Codes, sample_rate: int, hop: int) -> None:
    """Raise a ValueError if the codes have another sample rate, or lengths that do not match their number of frames."""
    check_sample_rate(codes, sample_rate)
    longest = codes.speech.shape[2] * hop
    if len(codes.lengths) == 0 or int(codes.lengths.min()) < 1 or int(codes.lengths.max()) > longest:
        raise ValueError(f"Lengths of these codes must be within 1..{longest} samples, not {codes.lengths.tolist()}.")


def check_tokens(tokens: Tensor, levels: int, codebook_size: int, name: str) -> None:
    """Raise a ValueError if tokens [B, K, T] of a stream have too many levels or are outside of the codebook."""
    if tokens.shape[1] > levels:
        raise ValueError(f"The codes have {tokens.shape[1]} {name} levels, but this codec has {levels}.")
    if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < codebook_size:
        raise ValueError(f"A {name} code is outside 0..{codebook_size - 1}.")
