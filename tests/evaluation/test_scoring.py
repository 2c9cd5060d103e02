"""Scoring: every answer has its rows, trivial answers have their known figures, the report has its parts."""

import csv
import math

import pytest

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.mixtures import Plan, make_mixtures
from espnet2_decodec.data.settings import Settings
from espnet2_decodec.evaluation.scoring import score_set


@pytest.fixture(scope="module")
def mixtures(corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("mixtures")
    make_mixtures(*corpora, out, Plan(("-5", "clean", "background"), 2, (0.6, 1.0), 0))
    return out


@pytest.fixture(scope="module")
def rows(mixtures, model):
    return score_set(mixtures, Settings(str(model)), ("si_sdr", "sdr", "mel"))


def pick(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_all_answers_are_there(rows):
    for condition, remixes in (("-5", 2), ("clean", 0), ("background", 0)):
        found = pick(rows, condition=condition)
        assert len({row["uttid"] for row in found}) == 2
        assert len(found) == 2 * (12 + remixes)
    assert {row["target"] for row in rows} == {"speech", "background", "mixture", "remix"}
    assert {row["speaker"] for row in pick(rows, condition="background")} == {"none"}


def test_trivial_answers(rows):
    for row in pick(rows, answer="untouched mixture"):
        assert row["level"] == 0 and not (row["si_sdri"] and math.isfinite(row["si_sdri"]))
    for row in pick(rows, answer="silence", condition="-5"):
        assert row["sdr"] == 0 and math.isnan(row["si_sdr"]) and row["level"] == -100
    assert all(row["sdr"] == 100 for row in pick(rows, answer="untouched mixture", target="speech", condition="clean"))


def test_a_silent_reference_has_a_level_and_no_ratio(rows):
    for row in pick(rows, target="background", condition="clean") + pick(rows, target="speech", condition="background"):
        assert math.isnan(row["si_sdr"]) and math.isnan(row["sdr"]) and math.isfinite(row["level"])


def test_clean_speech_is_its_own_ceiling(rows):
    for key in {row["uttid"] for row in pick(rows, condition="clean")}:
        ceiling = pick(rows, uttid=key, answer="ceiling: clean speech")[0]
        whole = pick(rows, uttid=key, answer="codec", target="mixture")[0]
        assert ceiling["si_sdr"] == pytest.approx(whole["si_sdr"], abs=1e-3)


def test_command_line(rows, mixtures, model, tmp_path, capsys):
    run_step("score", f"--model {model} --data {mixtures} --out {tmp_path} --metrics si_sdr sdr mel".split())
    text = (tmp_path / "RESULTS.md").read_text()
    assert text in capsys.readouterr().out
    for part in ("- command: ", "- commit: ", "- machine: ", "## SI-SDR dB by condition", "## SNR -5 dB: 2 recordings"):
        assert part in text
    with open(tmp_path / "scores.csv", newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == len(rows)
    for mine, theirs in zip(rows, written):
        assert mine["uttid"] == theirs["uttid"] and mine["answer"] == theirs["answer"]
        expected = mine["si_sdr"]
        assert (
            theirs["si_sdr"] == ""
            if math.isnan(expected)
            else float(theirs["si_sdr"]) == pytest.approx(expected, abs=0.05)
        )


def test_fewer_levels(mixtures, model, rows):
    fewer = score_set(mixtures, Settings(str(model), 1, 0), ("si_sdr",))
    wanted = {"answer": "codec", "condition": "-5"}
    assert all(a["si_sdr"] != b["si_sdr"] for a, b in zip(pick(rows, **wanted), pick(fewer, **wanted)))
    same = zip(pick(rows, answer="codec, not quantized"), pick(fewer, answer="codec, not quantized"))
    assert all(a["si_sdr"] == b["si_sdr"] or math.isnan(a["si_sdr"]) for a, b in same)


def test_sets_that_cannot_be_scored(mixtures, model, tmp_path):
    for name in ("mixture.scp", "speech.scp", "background.scp", "utt2snr", "utt2spk"):
        write_table(tmp_path / name, read_table(mixtures / name))
    swapped = read_table(mixtures / "speech.scp")
    first, second = list(swapped)[0], list(swapped)[3]
    write_table(tmp_path / "speech.scp", swapped | {first: swapped[second]})
    with pytest.raises(ValueError, match="not as long as its mixture"):
        score_set(tmp_path, Settings(str(model)), ("sdr",))
    write_table(tmp_path / "speech.scp", {first: swapped[first]})
    with pytest.raises(ValueError, match="different recordings"):
        score_set(tmp_path, Settings(str(model)), ("sdr",))
