"""Scores of voice conversion: voices without common prompts, error rates by words, all systems on all recordings."""

import csv
import math

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.bin import score_conversion
from espnet2_decodec.bin.score_conversion import main
from espnet2_decodec.evaluation import conversion_scores
from espnet2_decodec.evaluation.conversion_scores import CEILING, RATE, figures, markdown, voices
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.sets.tables import write_table


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    """Two speakers with ten prompts each; number n is a constant of n / 100, n / 10 s long."""
    folder = tmp_path_factory.mktemp("prompts")
    tables = {"wav.scp": {}, "utt2spk": {}, "utt2dur": {}}
    for speaker in ("anna", "boris"):
        for number in range(1, 11):
            key = f"{speaker}-{number:02d}"
            path = folder / f"{key}.wav"
            soundfile.write(path, np.full(number * RATE // 10, number / 100), RATE, subtype="FLOAT")
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
                soundfile.write(values[f"{stem}.scp"], wav, RATE, subtype="FLOAT")
            for name, value in values.items():
                tables.setdefault(name, {})[key] = value
    for name, table in tables.items():
        write_table(folder / name, table)
    return folder


def test_reference_and_judgement_have_no_prompt_in_common(prompts):
    found = voices(prompts, ["anna", "boris"], 1.4)
    for speaker in ("anna", "boris"):
        parts = [set((part[speaker] * 100).round().int().tolist()) for part in (found.references, found.others)]
        assert not parts[0] & parts[1] and min(parts[0] | parts[1]) > 5, "the longer half"
        assert all(len(part[speaker]) >= 1.4 * RATE for part in (found.references, found.others))
    again = voices(prompts, ["anna"], 1.4)
    assert torch.equal(again.references["anna"], found.references["anna"])
    with pytest.raises(ValueError, match="no speaker 'carla'"):
        voices(prompts, ["carla"], 1.0)
    with pytest.raises(ValueError, match="not twice 4 s"):
        voices(prompts, ["anna"], 4.0)


def test_all_words_count_alike():
    rows = [{"errors": 1, "words": 10, "target": 0.5}, {"errors": 4, "words": 5, "target": math.nan}]
    assert figures(rows, "wer").mean == pytest.approx(100 * 5 / 15)
    assert figures(rows, "target").mean == 0.5 and figures(rows, "target").count == 1


@pytest.fixture
def fakes(monkeypatch):
    """A recogniser that hears half of the text, and a similarity that is the same for all."""
    pytest.importorskip("jiwer", reason="jiwer is not installed")

    class Ear:
        about = "an ear"

        def __call__(self, wav, sample_rate, language):
            assert sample_rate == RATE and language == "en"
            return "one two"

    for module in (conversion_scores, score_conversion):
        monkeypatch.setattr(module, "recognizer", lambda name: Ear())
    monkeypatch.setattr(conversion_scores, "speaker_similarity", lambda one, other, rate: 0.25)


def test_every_system_on_every_recording_and_voice(model, data, prompts, fakes, tmp_path, capsys):
    arguments = ["--data", data, "--references", prompts, "--voices", "anna", "boris", "--seconds", 1, "--model", model]
    main([*map(str, arguments), "--denoiser", "mixture", "--out", str(tmp_path)])
    with open(tmp_path / "conversion.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    systems = ["untouched mixture", "not converted", "levels", "matched", "mixture, then matched", CEILING]
    assert len(rows) == 4 * 2 * len(systems) and list(dict.fromkeys(row["system"] for row in rows)) == systems
    assert all(row["errors"] == "2" and row["words"] == "4" for row in rows if row["system"] != CEILING)
    assert all(row["target"] == "0.25" and (row["errors"] == "") == (row["system"] == CEILING) for row in rows)
    text = (tmp_path / "conversion.md").read_text()
    assert "| matched |  | 50.0 [50.0, 50.0] | 50.0 [50.0, 50.0] |" in text and "| system |  | 5 dB | clean |" in text
    assert capsys.readouterr().out.strip() == text.strip()
    main([*map(str, arguments), "--denoiser", "none", "--limit", "1", "--conditions", "clean", "--out", str(tmp_path)])
    assert len(list(open(tmp_path / "conversion.csv"))) == 1 + 2 * 5


def test_what_cannot_be_had(model, data, prompts, fakes, tmp_path, monkeypatch, capsys):
    arguments = ["--data", data, "--references", prompts, "--voices", "anna", "--seconds", 1, "--model", model, "--out", tmp_path]
    arguments = [*map(str, arguments), "--limit", "1"]
    with pytest.raises(ValueError, match="no recording with a text"):
        main([*arguments, "--speakers", "dora"])

    def missing(name):
        raise Unavailable(f"{name} is not installed.")

    monkeypatch.setattr(score_conversion, "build", missing)
    main(arguments)
    assert "gtcrn is skipped: gtcrn is not installed." in capsys.readouterr().out
    assert "gtcrn is skipped" in (tmp_path / "conversion.md").read_text()
    monkeypatch.setattr(score_conversion, "recognizer", missing)
    with pytest.raises(ValueError, match="not installed"):
        main(arguments)


def test_markdown_without_a_figure():
    row = {"system": "s", "condition": "0", "uttid": "a", "voice": "b", "errors": 0, "words": 0, "target": math.nan, "source": 1}
    assert "| s |  | - |" in markdown([row], {}, [])
