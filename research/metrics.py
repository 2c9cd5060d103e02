"""Scores of speech that the programs here share: PESQ, STOI, DNSMOS, and words that a recognizer finds differently."""

import json
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from espnet2_decodec.evaluation.metrics import perceptual
from espnet2_decodec.evaluation.metrics.error_rate import word_errors
from espnet2_decodec.evaluation.metrics.recognizers import recognizer

SAMPLE_RATE = 16000
"""Hz, of all waveforms."""


def quality(reference: Tensor, wav: Tensor) -> dict[str, float]:
    """PESQ and STOI; NaN where `perceptual` does not define them."""
    metrics = {"pesq": perceptual.pesq, "stoi": perceptual.stoi}
    return {name: metric(reference, wav, SAMPLE_RATE) for name, metric in metrics.items()}


def dnsmos(wav: Tensor) -> float:
    """Overall DNSMOS."""
    return perceptual.dnsmos(wav, wav, SAMPLE_RATE, "ovrl")


def words_changed(
    wavs: Sequence[Tensor], references: Sequence[Tensor], english: Sequence[bool], cache: Path
) -> list[tuple[int, int]]:
    """(words changed, words) of each recording, against what Whisper base finds in the reference; (0, 0) if nothing.

    Errors are counted as for the metric `dwer`, but a recognizer that repeats itself counts as all words. Languages
    other than English are left out.

    Args:
        wavs: [L] each.
        references: [L] each.
        english: whether a recording is.
        cache: file of the texts of the references, written if it does not exist.
    """
    recognize = recognizer("whisper-base")
    if not cache.exists():
        texts = [recognize(wav, SAMPLE_RATE) if spoken else "" for wav, spoken in zip(references, english)]
        cache.write_text(json.dumps(texts))
    changed = []
    for wav, text in zip(wavs, json.loads(cache.read_text()), strict=True):
        counts = word_errors(text, recognize(wav, SAMPLE_RATE) if text else "")
        changed.append((min(counts.errors, counts.reference_length), counts.reference_length))
    return changed
