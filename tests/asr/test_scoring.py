"""Error rates are those one counts by hand, whichever program counts."""

import pytest

from espnet2_decodec.evaluation import asr_scoring as scoring
from espnet2_decodec.evaluation.asr_scoring import Errors, count, find_scorer

SPOKEN = {"a": "при вет мир", "b": "я тут", "c": "раз два"}
HEARD = {"a": "при вет лир", "b": "я тут да", "c": ""}


def scorers() -> list[str]:
    """Those that are here."""
    found = []
    try:
        found.append(find_scorer())
    except ValueError:
        return []
    return sorted({*found, *(["jiwer"] if scoring.find_spec("jiwer") else [])})


def test_there_is_a_scorer():
    if not scorers():
        pytest.skip("neither sclite (Debian: sctk) nor jiwer is installed: nothing is scored")


@pytest.mark.parametrize("scorer", scorers())
def test_counts(scorer, tmp_path):
    words = count(SPOKEN, HEARD, "word", scorer, tmp_path / "align")
    assert words == Errors(units=7, substitutions=1, deletions=2, insertions=1)
    assert words.percent == pytest.approx(100 * 4 / 7)
    assert "вет" in (tmp_path / "align").read_text(encoding="utf-8")
    assert count(SPOKEN, HEARD, "char", scorer) == Errors(units=23, substitutions=1, deletions=7, insertions=3)
    assert count(SPOKEN, SPOKEN, "char", scorer).percent == 0


@pytest.mark.parametrize("scorer", scorers())
def test_utterances_that_are_missing_are_told(scorer):
    with pytest.raises(ValueError, match="1 utterances were not both spoken and recognized, for one c"):
        count(SPOKEN, {"a": "x", "b": "y"}, "word", scorer)


def test_debians_sclite_is_found_off_the_path(tmp_path, monkeypatch):
    sclite = tmp_path / "sclite"
    sclite.touch()
    monkeypatch.setattr(scoring.shutil, "which", lambda name: None)
    monkeypatch.setattr(scoring, "DEBIAN", str(sclite))
    assert find_scorer() == str(sclite)


def test_without_any_scorer_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(scoring.shutil, "which", lambda name: None)
    monkeypatch.setattr(scoring, "DEBIAN", "/nowhere/sclite")
    monkeypatch.setattr(scoring, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="install sclite"):
        find_scorer()


def test_a_failing_sclite_is_reported(tmp_path):
    broken = tmp_path / "sclite"
    broken.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(ValueError, match="sclite failed: no such thing"):
        count(SPOKEN, HEARD, "word", str(broken))
