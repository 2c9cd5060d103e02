"""Error rates are those one counts by hand, whichever program counts."""

import pytest

from espnet2_decodec.evaluation.metrics import error_rate
from espnet2_decodec.evaluation.metrics.error_rate import ErrorCounts, count_errors, find_scorer

REFERENCES = {"a": "при вет мир", "b": "я тут", "c": "раз два"}
HYPOTHESES = {"a": "при вет лир", "b": "я тут да", "c": ""}


def scorers() -> list[str]:
    """Those that are here."""
    found = []
    try:
        found.append(find_scorer())
    except ValueError:
        return []
    return sorted({*found, *(["jiwer"] if error_rate.find_spec("jiwer") else [])})


def test_there_is_a_scorer():
    if not scorers():
        pytest.skip("neither sclite (Debian: sctk) nor jiwer is installed: nothing is scored")


@pytest.mark.parametrize("scorer", scorers())
def test_counts(scorer, tmp_path):
    words = count_errors(REFERENCES, HYPOTHESES, "word", scorer, tmp_path / "align")
    assert words == ErrorCounts(hits=4, substitutions=1, deletions=2, insertions=1)
    assert words.rate == pytest.approx(4 / 7) and words.reference_length == 7
    assert "вет" in (tmp_path / "align").read_text(encoding="utf-8")
    assert count_errors(REFERENCES, HYPOTHESES, "char", scorer) == ErrorCounts(
        hits=15, substitutions=1, deletions=7, insertions=3
    )
    assert count_errors(REFERENCES, REFERENCES, "char", scorer).rate == 0


@pytest.mark.parametrize("scorer", scorers())
def test_missing_utterances_are_named(scorer):
    with pytest.raises(ValueError, match="1 utterances have no reference or no hypothesis, for example c"):
        count_errors(REFERENCES, {"a": "x", "b": "y"}, "word", scorer)


def test_debians_sclite_is_found_off_the_path(tmp_path, monkeypatch):
    sclite = tmp_path / "sclite"
    sclite.touch()
    monkeypatch.setattr(error_rate.shutil, "which", lambda name: None)
    monkeypatch.setattr(error_rate, "DEBIAN_SCLITE", str(sclite))
    assert find_scorer() == str(sclite)


def test_without_any_scorer_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(error_rate.shutil, "which", lambda name: None)
    monkeypatch.setattr(error_rate, "DEBIAN_SCLITE", "/nowhere/sclite")
    monkeypatch.setattr(error_rate, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="Error rates need sclite"):
        find_scorer()


def test_a_failing_sclite_is_reported(tmp_path):
    broken = tmp_path / "sclite"
    broken.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(ValueError, match="sclite failed: no such thing"):
        count_errors(REFERENCES, HYPOTHESES, "word", str(broken))
