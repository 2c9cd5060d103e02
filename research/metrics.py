"""Scores of speech that the programs here share: PESQ, STOI, DNSMOS, and words that a recognizer finds differently."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor


def words(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return re.sub(r"[^\w\s']", " ", text.lower()).split()


def quality(reference: Tensor, wav: Tensor) -> dict[str, float]:
    """PESQ and STOI."""
    from pesq import pesq
    from pystoi import stoi

    one, other = reference.numpy(), wav.numpy()
    return {"pesq": float(pesq(16000, one, other, "wb")), "stoi": float(stoi(one, other, 16000))}


def dnsmos(wav: Tensor) -> float:
    """Overall DNSMOS."""
    from speechmos import dnsmos as model

    return float(model.run(np.clip(wav.numpy(), -1, 1), 16000)["ovrl_mos"])


def words_changed(
    wavs: Sequence[Tensor], references: Sequence[Tensor], english: Sequence[bool], cache: Path
) -> list[tuple[int, int]]:
    """(words changed, words) of each recording, against what Whisper base finds in the reference; (0, 0) if nothing.

    A recognizer that repeats itself counts as all words. Languages other than English are left out.

    Args:
        wavs: [L] each.
        references: [L] each.
        english: whether a recording is.
        cache: file of the texts of the references, written if it does not exist.
    """
    import jiwer

    from espnet2_decodec.evaluation.metrics.recognizers import recognizer

    recognize = recognizer("whisper-base")
    if not cache.exists():
        texts = [recognize(wav, 16000, "en") if spoken else "" for wav, spoken in zip(references, english)]
        cache.write_text(json.dumps(texts))
    changed = []
    for wav, spoken, text in zip(wavs, english, json.loads(cache.read_text())):
        expected = words(text) if spoken else []
        errors = 0
        if expected:
            found = jiwer.process_words(" ".join(expected), " ".join(words(recognize(wav, 16000, "en"))))
            errors = found.substitutions + found.deletions + found.insertions
        changed.append((min(errors, len(expected)), len(expected)))
    return changed
