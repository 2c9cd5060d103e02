"""From recognized text to the tables of an experiment."""

import pytest

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.evaluation.asr import error_tables, read_error_rates, score_decoding, write_report

pytest.importorskip("jiwer", reason="jiwer is not installed: tables of error rates are not tested")
pytest.importorskip("espnet2")

CONDITIONS = ("clean", "snr20", "snr10", "snr5", "snr0")


@pytest.fixture
def place(tmp_path):
    """Five sets of one utterance of ten letters, of which the noisier ones lose 1, 2, ..."""
    lines = []
    for wrong, name in enumerate(CONDITIONS):
        (tmp_path / f"test_{name}").mkdir()
        (tmp_path / f"test_{name}" / "text").write_text("u aaaaaaaaaa\n")
        lines.append(f"test_{name}/u {'a' * (10 - wrong)}\n")
    (tmp_path / "recognized").write_text("".join(lines))
    return tmp_path


def sets(place):
    return {f"test_{name}": place / f"test_{name}" / "text" for name in CONDITIONS}


def test_rates_by_condition_and_their_mean_in_noise(place):
    score_decoding(sets(place), place / "recognized", place / "exp" / "decode_x")
    found = read_error_rates(place / "exp" / "decode_x")
    assert found["char"] == pytest.approx({"clean": 0, "20": 10, "10": 20, "5": 30, "0": 40, "noisy": 30})
    assert found["word"]["0"] == 100


def test_the_report_has_all_decodings_and_where_they_come_from(place, capsys):
    for name in ("decode_a", "decode_b"):
        command = [
            "--sets",
            *(str(path.parent) for path in sets(place).values()),
            "--recognized",
            str(place / "recognized"),
        ]
        run_step("asr_score", [*command, "--out", str(place / "exp" / name), "--command", "./run.sh --some option"])
    said = capsys.readouterr().out
    assert "scored with" in said
    text = (place / "exp" / "RESULTS.md").read_text()
    assert text in said and write_report(place / "exp", {"command": "./run.sh --some option"}) == text
    assert "| decode_b | 1 | 0.0 | 10.0 | 20.0 | 30.0 | 40.0 | 30.0 |" in text
    assert "## Environments" in text and "- command: ./run.sh --some option" in text and "ESPnet" in text


def test_several_runs_become_mean_and_deviation():
    runs = [{"char": {"clean": value}, "word": {"clean": value}} for value in (10.0, 14.0)]
    lines = error_tables({"fbank": runs, "none": [{"char": {"0": 1.0}, "word": {}}]}, "frontend")
    assert "| fbank | 2 | 12.0 ± 2.8 | - |" in lines
    assert "| none | 1 | - | 1.0 |" in lines


def test_recognized_text_of_unknown_sets_is_refused(place):
    (place / "recognized").write_text("test_other/u a\n")
    with pytest.raises(ValueError, match="test_other/u is in none of the sets"):
        score_decoding(sets(place), place / "recognized", place / "exp" / "decode_x")


def test_a_line_without_text_counts_as_deletions(place):
    (place / "recognized").write_text("test_clean/u \n")
    score_decoding({"test_clean": place / "test_clean" / "text"}, place / "recognized", place / "exp" / "decode_x")
    assert read_error_rates(place / "exp" / "decode_x")["char"]["clean"] == 100


def test_experiments_are_compared_with_the_first(place, capsys):
    score_decoding(sets(place), place / "recognized", place / "a" / "decode_x")
    (place / "recognized").write_text("".join(f"test_{name}/u {'a' * 8}\n" for name in CONDITIONS))
    score_decoding(sets(place), place / "recognized", place / "b" / "decode_x")
    run_step("asr_compare", [f"ours={place}/b/decode_x", f"other={place}/a/decode_x,{place}/b/decode_x"])
    said = capsys.readouterr().out
    assert "| ours | 1 | 20.0 |" in said and "| other | 2 | 10.0 ± 14.1 |" in said
    assert "| other | 0.50 | 1.25 |" in said


def test_an_experiment_without_error_rates_is_refused(place):
    with pytest.raises(ValueError, match="has no error rates: run"):
        run_step("asr_compare", [f"ours={place}/nothing"])
