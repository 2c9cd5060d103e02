"""Checks of arguments: waveforms, lengths, numbers of levels and codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.types import Codes, as_integers

MAX_SAMPLE = 4.0
"""Larger samples are refused, in files too: 12 dB beyond full scale, which is 1. They are integers stored as floats."""


def as_wav(wav: Any, name: str = "wav", like: Tensor | None = None) -> Tensor:
    """Samples as float32.

    float16, bfloat16 and float64 are converted, and NumPy arrays. Integers are refused, as their full scale is not
    known, samples far beyond full scale, as they are integers that were converted without scaling, and arrays with a
    mask and sparse tensors.

    Args:
        wav: tensor or NumPy array.
        name: of the argument, for the message.
        like: a tensor of the codec, to whose device an array is moved.

    Raises:
        TypeError: if it is neither, or not of real floating-point numbers.
        ValueError: if a sample is beyond +-4.
    """
    if isinstance(wav, np.ndarray) and wav.dtype.kind in "fiu" and not isinstance(wav, np.ma.MaskedArray):
        wav = wav.astype(np.float64) if wav.dtype == np.longdouble else wav
        tensor = torch.from_numpy(np.require(wav, wav.dtype.newbyteorder("="), ["C", "W"]))
        wav = tensor if like is None else tensor.to(like.device)
    is_dense = isinstance(wav, Tensor) and wav.layout == torch.strided and not wav.is_meta
    if not is_dense or not wav.is_floating_point():
        raise TypeError(
            f"{name} must be a tensor or a NumPy array of floats in -1..1, not {_describe_kind(wav)}; divide 16-bit "
            "integers by 32768 and 32-bit integers by 2147483648."
        )
    wav = wav.float()
    if wav.numel() and float(wav.detach().abs().max()) > MAX_SAMPLE and bool(torch.isfinite(wav).all()):
        raise ValueError(
            f"{name} has samples up to {float(wav.detach().abs().max()):g}, but full scale is 1; divide 16-bit "
            "integers by 32768."
        )
    return wav


def _describe_kind(wav: Any) -> str:
    """Description of an argument that is no array of samples."""
    if isinstance(wav, np.ma.MaskedArray):
        return "one with a mask"
    if isinstance(wav, Tensor) and (wav.is_meta or wav.layout != torch.strided):
        return "one on the device meta" if wav.is_meta else f"of layout {wav.layout}"
    return f"of {wav.dtype if hasattr(wav, 'dtype') else type(wav).__name__}"


@contextmanager
def default_float32() -> Iterator[None]:
    """Context manager in which new tensors are float32, whatever the default type of torch is."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(default)


def check_wav(wav: Tensor, lengths: Any) -> Tensor:
    """Lengths [B] in samples of a batch of waveforms [B, L], on its device; L for all when None.

    Raises:
        ValueError: if the shape or the lengths are invalid, or a sample is not finite.
    """
    if wav.ndim != 2 or wav.numel() == 0:
        raise ValueError(f"A batch of waveforms is [B, L] with at least one sample, not {tuple(wav.shape)}.")
    check_finite(wav)
    if lengths is not None:
        lengths = as_integers(lengths, "lengths")
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
        TypeError: if it is not a whole number.
        ValueError: if it is not within 0..available.
    """
    if levels is None:
        return available
    if not hasattr(levels, "__index__"):
        raise TypeError(f"{name} levels must be a whole number or None, not {levels!r}.")
    if not 0 <= levels <= available:
        raise ValueError(f"{name} levels must be within 0..{available}, not {levels}.")
    return levels


def check_unquantized(speech_levels: int | None, background_levels: int | None) -> None:
    """Raise a ValueError if numbers of levels are given for stems without quantization."""
    if (speech_levels, background_levels) != (None, None):
        raise ValueError("Stems have no levels without quantization; leave out the numbers of levels.")


def check_type(codes: Any) -> None:
    """Raise a TypeError for anything but codes."""
    if not isinstance(codes, Codes):
        raise TypeError(f"The codes must be Codes, as `encode` returns them, not {type(codes).__name__}.")


def check_sample_rate(codes: Codes, sample_rate: int) -> None:
    """Raise a TypeError for anything but codes, and a ValueError if they have another sample rate."""
    check_type(codes)
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
