"""Scores of voice conversion: voices without common prompts, error rates by words, all systems on all recordings."""

import csv
import math
import shutil

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.kaldi import write_table
from espnet2_decodec.evaluation import SAMPLE_RATE, conversion, conversion_report
from espnet2_decodec.evaluation.conversion import (
    CEILING,
    UNQUANTIZED_CEILING,
    UNQUANTIZED_SHIFT,
    markdown,
    mean_score,
)
from espnet2_decodec.evaluation.examples import read_examples
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.target_speakers import choose_target_speakers, read_target_speakers


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    """Two speakers with ten prompts each; number n is a constant of n / 100, n / 10 s long."""
    folder = tmp_path_factory.mktemp("prompts")
    tables = {"wav.scp": {}, "utt2spk": {}, "utt2dur": {}}
    for speaker in ("anna", "boris"):
        for number in range(1, 11):
            key = f"{speaker}-{number:02d}"
            path = folder / f"{key}.wav"
            soundfile.write(path, np.full(number * SAMPLE_RATE // 10, number / 100), SAMPLE_RATE, subtype="FLOAT")
            tables["wav.scp"][key], tables["utt2spk"][key], tables["utt2dur"][key] = path, speaker, number / 10
    for name, table in tables.items():
        write_table(folder / name, table)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two recordings of carla at 5 dB and clean."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    tables = {}
    for index in range(2):
        for condition in ("5", "clean"):
            key = f"carla_{index:03d}_{condition}"
            speech, background = 0.1 * rng.normal(size=8000), 0.05 * rng.normal(size=8000) * (condition != "clean")
            values = {"utt2snr": condition, "utt2spk": "carla", "text": "one two three four"}
            for stem, wav in (("mixture", speech + background), ("speech", speech), ("background", background)):
                values[f"{stem}.scp"] = folder / f"{key}.{stem}.wav"
                soundfile.write(values[f"{stem}.scp"], wav, SAMPLE_RATE, subtype="FLOAT")
            for name, value in values.items():
                tables.setdefault(name, {})[key] = value
    for name, table in tables.items():
        write_table(folder / name, table)
    return folder


def test_references_and_held_out_prompts_are_disjoint(prompts):
    found = read_target_speakers([prompts], ["anna", "boris"], 1.4)
    for speaker in ("anna", "boris"):
        parts = [set((part[speaker] * 100).round().int().tolist()) for part in (found.references, found.held_out)]
        assert not parts[0] & parts[1] and min(parts[0] | parts[1]) > 5, "the longer half"
        assert all(len(part[speaker]) >= 1.4 * SAMPLE_RATE for part in (found.references, found.held_out))
    again = read_target_speakers([prompts], ["anna"], 1.4)
    assert torch.equal(again.references["anna"], found.references["anna"])
    with pytest.raises(ValueError, match="no speaker 'carla'"):
        read_target_speakers([prompts], ["carla"], 1.0)
    with pytest.raises(ValueError, match="less than twice 4 s"):
        read_target_speakers([prompts], ["anna"], 4.0)


def test_voices_are_chosen_that_have_enough_to_say(prompts, tmp_path):
    """Those with most of the first folder first; nobody that all sources are."""
    more = tmp_path / "more"
    more.mkdir()
    table = {f"dora-{i}": "dora" for i in range(12)} | {f"emil-{i}": "emil" for i in range(2)} | {"anna-x": "anna"}
    write_table(more / "utt2spk", table)
    write_table(more / "utt2dur", {key: 1 for key in table})
    write_table(more / "wav.scp", {key: prompts / "anna-10.wav" for key in table})
    assert choose_target_speakers([prompts, more], {"carla"}, 1.4, 9) == ["anna", "boris", "dora"]
    assert choose_target_speakers([more, prompts], {"carla"}, 1.4, 2) == ["dora", "anna"]
    assert choose_target_speakers([prompts], {"anna"}, 1.4, 9) == ["boris"] and choose_target_speakers(
        [prompts], {"anna", "x"}, 1.4, 9
    ) == [
        "anna",
        "boris",
    ]
    assert choose_target_speakers([prompts], {"anna"}, 4.0, 9) == []


def test_all_words_count_alike():
    rows = [
        {"errors": 1, "words": 10, "reference_similarity": 0.5},
        {"errors": 4, "words": 5, "reference_similarity": math.nan},
    ]
    assert mean_score(rows, "wer").mean == pytest.approx(100 * 5 / 15)
    assert mean_score(rows, "reference_similarity").mean == 0.5 and mean_score(rows, "reference_similarity").count == 1


@pytest.fixture
def fakes(monkeypatch):
    """A recognizer that returns half of the text, and a constant similarity."""
    pytest.importorskip("jiwer", reason="jiwer is not installed")

    class FakeRecognizer:
        about = "a fake"

        def __call__(self, wav, sample_rate, language):
            assert sample_rate == SAMPLE_RATE and language == "en"
            return "one two"

    for module in (conversion, conversion_report):
        monkeypatch.setattr(module, "recognizer", lambda name: FakeRecognizer())
        monkeypatch.setattr(module, "speaker_similarity", lambda one, other, rate: 0.25)


def test_every_system_on_every_recording_and_voice(model, data, prompts, fakes, tmp_path, capsys):
    arguments = [
        "--data",
        data,
        "--references",
        prompts,
        "--targets",
        "anna",
        "boris",
        "--seconds",
        1,
        "--model",
        model,
    ]
    run_step("score_conversion", [*map(str, arguments), "--denoiser", "mixture", "--out", str(tmp_path)])
    with open(tmp_path / "conversion.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    systems = ["noisy input", "not converted", "swap_codes", "knn_codes", "mixture, then knn_codes", CEILING]
    assert len(rows) == 4 * 2 * len(systems) and list(dict.fromkeys(row["system"] for row in rows)) == systems
    assert all(row["errors"] == "2" and row["words"] == "4" for row in rows if row["system"] != CEILING)
    assert all(
        row["reference_similarity"] == "0.25" and (row["errors"] == "") == (row["system"] == CEILING) for row in rows
    )
    text = (tmp_path / "conversion.md").read_text()
    assert "| knn_codes | 50.0 [50.0, 50.0] | 50.0 [50.0, 50.0] |" in text and "| system | 5 dB | clean |" in text
    assert capsys.readouterr().out.strip() == text.strip()
    run_step(
        "score_conversion",
        [*map(str, arguments), "--denoiser", "none", "--limit", "1", "--conditions", "clean", "--out", str(tmp_path)],
    )
    assert len(list(open(tmp_path / "conversion.csv"))) == 1 + 2 * 5


@pytest.fixture(scope="module")
def mdct(tmp_path_factory, vocoder_codec):
    """The folder of a small codec with parametric levels."""
    folder = tmp_path_factory.mktemp("mdct")
    vocoder_codec.save_pretrained(folder)
    return folder


def test_examples_are_kept(mdct, data, prompts, fakes, tmp_path):
    """Source, reference and every system of one recording of each condition; those of an earlier run go."""
    arguments = ["--data", data, "--references", prompts, "--seconds", 1, "--model", mdct, "--out", tmp_path]
    arguments = [*map(str, arguments), "--denoiser", "mixture"]
    run_step("score_conversion", [*arguments, "--keep", "1"])
    folder = tmp_path / "examples"
    lines = read_examples(folder)
    labels = [line.label for line in lines if line.example == "carla_000_5 in the voice of boris"]
    parametric = ["not converted, parametric levels", "not converted, parametric, unquantized"]
    systems = [
        "not converted",
        *parametric,
        "swap_codes",
        "knn_codes",
        "knn_shift",
        UNQUANTIZED_SHIFT,
        "mixture, then knn_shift",
        f"mixture, then {UNQUANTIZED_SHIFT}",
    ]
    assert labels == ["source", "reference", *systems, CEILING, UNQUANTIZED_CEILING] and len(lines) == 4 * len(labels)
    notes = {line.label: line.note for line in lines}
    assert notes["source"] == "one two three four" and notes["reference"] == "another recording of boris"
    assert (
        notes[UNQUANTIZED_SHIFT]
        == "word errors 2 of 4, similarity to the reference 0.25, similarity to the source 0.25"
    )
    assert notes[CEILING] == "similarity to the reference 0.25, similarity to the source 0.25"
    assert len(list(folder.glob("*.wav"))) == len({line.file for line in lines}) == 2 * 2 * (len(labels) - 3) + 2 * 3
    mixture = next(line.file for line in lines if line.example.startswith("carla_000_clean") and line.label == "source")
    assert soundfile.info(folder / mixture).frames == 8000
    run_step("score_conversion", [*arguments, "--targets", "anna", "--keep", "1", "--conditions", "clean"])
    assert {line.example for line in read_examples(folder)} == {"carla_000_clean in the voice of anna"}
    assert len(list(folder.glob("*.wav"))) == len(labels)
    run_step("score_conversion", arguments)
    assert not list(folder.iterdir())
    with pytest.raises(ValueError, match="At least 0 recordings"):
        run_step("score_conversion", [*arguments, "--keep", "-1"])


def test_without_a_recognizer(model, data, prompts, fakes, tmp_path, monkeypatch, capsys):
    """No text is needed and similarity is scored; without similarity there are only examples."""
    place = tmp_path / "data"
    shutil.copytree(data, place)
    (place / "text").unlink()
    given = ["--data", place, "--references", prompts, "--seconds", 1, "--model", model, "--out", tmp_path]
    given = [*map(str, given), "--recognizer", "none", "--denoiser", "none", "--keep", "1"]
    run_step("score_conversion", given)
    text = (tmp_path / "conversion.md").read_text()
    assert "no recognizer was asked for" in text and "## Speaker similarity to the reference" in text
    assert "## Word error rate" not in text and "no recognizer was asked for" in capsys.readouterr().out

    def missing(*_):
        raise ImportError("Speaker similarity needs resemblyzer (pip install it).")

    monkeypatch.setattr(conversion_report, "speaker_similarity", missing)
    run_step("score_conversion", given)
    text = (tmp_path / "conversion.md").read_text()
    assert "speaker similarity is skipped: Speaker similarity needs resemblyzer" in text and "## " not in text
    assert [line.note for line in read_examples(tmp_path / "examples") if line.label == "knn_codes"] == [""] * 4


def test_where_there_is_no_other_voice(model, data, prompts, fakes, tmp_path, capsys):
    """A line says so, and nothing is written; no recording is converted to its own voice."""
    given = ["--data", data, "--references", prompts, "--model", model, "--denoiser", "none", "--out", tmp_path / "out"]
    given = [*map(str, given)]
    run_step("score_conversion", [*given, "--seconds", "8"])
    assert "Voice conversion is skipped: " in capsys.readouterr().out and not (tmp_path / "out").exists()
    own = tmp_path / "own"
    shutil.copytree(prompts, own)
    (own / "utt2spk").write_text((own / "utt2spk").read_text().replace(" anna", " carla"))
    with pytest.raises(ValueError, match="Every recording has the only target speaker"):
        run_step("score_conversion", [*given, "--references", str(own), "--targets", "carla", "--seconds", "1"])


def test_what_cannot_be_had(model, data, prompts, fakes, tmp_path, monkeypatch, capsys):
    arguments = [
        "--data",
        data,
        "--references",
        prompts,
        "--targets",
        "anna",
        "--seconds",
        1,
        "--model",
        model,
        "--out",
        tmp_path,
    ]
    arguments = [*map(str, arguments), "--limit", "1"]
    with pytest.raises(ValueError, match="no recording with a text"):
        run_step("score_conversion", [*arguments, "--speakers", "dora"])

    def missing(name):
        raise Unavailable(f"{name} is not installed.")

    monkeypatch.setattr(conversion_report, "build", missing)
    run_step("score_conversion", arguments)
    assert "gtcrn is skipped: gtcrn is not installed." in capsys.readouterr().out
    assert "gtcrn is skipped" in (tmp_path / "conversion.md").read_text()
    monkeypatch.setattr(conversion_report, "recognizer", missing)
    with pytest.raises(ValueError, match="not installed"):
        run_step("score_conversion", arguments)


def test_markdown_without_a_figure():
    row = {
        "system": "s",
        "condition": "0",
        "uttid": "a",
        "speaker": "b",
        "errors": 0,
        "words": 0,
        "reference_similarity": math.nan,
        "source_similarity": 1,
    }
    text = markdown([row, row | {"condition": "5", "source_similarity": math.nan}], {}, [])
    assert "| s | 1.000 [1.000, 1.000] | - |" in text and text.count("## ") == 1
