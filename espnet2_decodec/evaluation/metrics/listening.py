"""Metrics that replace listeners: naturalness without a reference, and words that are no longer recognized."""

import contextlib
import io
import math
from functools import lru_cache

import torch
from torch import Tensor

from espnet2_decodec.evaluation.metrics.error_rate import word_errors
from espnet2_decodec.evaluation.metrics.recognizers import Recognizer, normalize_level, recognizer
from espnet2_decodec.training.energy_ratios import SILENCE_POWER

RECOGNIZER, LANGUAGE = "whisper-tiny.en", "en"
"""Of `differential_word_error_rate`; the teacher of the codec in the package is a larger Whisper."""


def distillmos(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """DistillMOS (Stahl and Gamper, 2025), a predicted mean opinion score of naturalness from 1 to 5.

    Args:
        reference: [L]; it decides only whether there is speech.
        estimate: [L].
        sample_rate: 16000 Hz.

    Returns:
        The score; NaN where the reference or the estimate is silent.

    Raises:
        ImportError: if the package distillmos, which has the weights, is not installed.
        ValueError: if the rate is another one.
    """
    if sample_rate != 16000:
        raise ValueError(f"DistillMOS is defined at 16000 Hz, not {sample_rate} Hz.")
    if _silent(reference) or _silent(estimate):
        return math.nan
    with torch.no_grad():
        return float(_distillmos_model()(estimate.detach().float().cpu().clamp(-1, 1)[None]).squeeze())


def differential_word_error_rate(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Word error rate of what is recognized in the estimate against what is recognized in the reference, 0 and above.

    It needs no transcript, and the errors of the recognizer on clean speech do not count. English speech only.

    Args:
        reference: [L].
        estimate: [L].
        sample_rate: Hz.

    Returns:
        The rate; NaN where no word is recognized in the reference.

    Raises:
        Unavailable: if a package of the recognizer or jiwer is missing.
    """
    if _silent(reference):
        return math.nan
    expected = _reference_text(reference.detach().float().cpu().numpy().tobytes(), sample_rate)
    return word_errors(expected, _recognizer()(normalize_level(estimate), sample_rate, LANGUAGE)).rate


@lru_cache(maxsize=256)
def _reference_text(samples: bytes, sample_rate: int) -> str:
    """What is recognized in float32 samples; kept, as all systems are compared with the same references."""
    wav = torch.frombuffer(bytearray(samples), dtype=torch.float32)
    return _recognizer()(normalize_level(wav), sample_rate, LANGUAGE)


@lru_cache(maxsize=1)
def _recognizer() -> Recognizer:
    """The recognizer."""
    return recognizer(RECOGNIZER)


@lru_cache(maxsize=1)
def _distillmos_model() -> torch.nn.Module:
    """The model; what it prints while loading is left out."""
    import distillmos as package

    with contextlib.redirect_stdout(io.StringIO()):
        return package.ConvTransformerSQAModel().eval()


def _silent(wav: Tensor) -> bool:
    """Whether the mean power is below the threshold of silence."""
    return wav.double().square().mean().item() <= SILENCE_POWER
