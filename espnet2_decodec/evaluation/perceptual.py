"""PESQ and STOI through the packages of the extra `evaluate`, imported when first asked for."""

import math
import warnings

from torch import Tensor

from espnet2_decodec.evaluation.ratios import SILENT


def pesq(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Wide-band PESQ (ITU-T P.862.2), 1.04 to 4.64.

    Args:
        reference, estimate: [L] at 16000 Hz.

    Returns:
        The score; NaN where the reference is silent or PESQ finds no utterance in it.

    Raises:
        ImportError: if the package pesq is not installed.
        ValueError: if the rate is another one.
    """
    from pesq import PesqError
    from pesq import pesq as measure

    if sample_rate != 16000:
        raise ValueError(f"Wide-band PESQ is defined at 16000 Hz, not {sample_rate} Hz.")
    if _silent(reference) or _silent(estimate):
        return math.nan
    score = measure(sample_rate, reference.numpy(), estimate.numpy(), "wb", on_error=PesqError.RETURN_VALUES)
    return math.nan if score < 0 else float(score)


def stoi(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Short-time objective intelligibility (Taal et al., 2011), about 0 to 1.

    Args:
        reference, estimate: [L] at `sample_rate` Hz.

    Returns:
        The score; NaN where the reference is silent or sounds for less than 0.4 s.

    Raises:
        ImportError: if the package pystoi is not installed.
    """
    from pystoi import stoi as measure

    if _silent(reference):
        return math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(measure(reference.numpy(), estimate.numpy(), sample_rate))
        except RuntimeWarning:
            return math.nan


def _silent(wav: Tensor) -> bool:
    """Whether nothing is to be heard."""
    return wav.double().square().mean().item() <= SILENT
