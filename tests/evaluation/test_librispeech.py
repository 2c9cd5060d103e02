"""The table of codecs on a tiny tree like LibriSpeech's, with stand-ins for metrics and recognizer."""

import csv
import json
import math

import numpy as np
import pytest
import soundfile

from espnet2_decodec.cli import main
from espnet2_decodec.evaluation import librispeech
from espnet2_decodec.evaluation.codec_table import MEASURED, published_rows
from espnet2_decodec.evaluation.metrics import registry
from espnet2_decodec.evaluation.published import FIGURES, read_published, read_sources

UTTERANCES = {"61/70968": ("ONE TWO", "THREE FOUR FIVE SIX"), "121/121726": ("SEVEN EIGHT",)}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder LibriSpeech with test-clean: three utterances of two speakers."""
    root = tmp_path_factory.mktemp("corpus") / "LibriSpeech"
    rng = np.random.default_rng(0)
    for place, texts in UTTERANCES.items():
        folder = root / "test-clean" / place
        folder.mkdir(parents=True)
        prefix = place.replace("/", "-")
        lines = [f"{prefix}-{i:04d} {text}\n" for i, text in enumerate(texts)]
        (folder / f"{prefix}.trans.txt").write_text("".join(lines))
        for i in range(len(texts)):
            soundfile.write(folder / f"{prefix}-{i:04d}.flac", 0.1 * rng.standard_normal(6000 + 100 * i), 16000)
    return root


@pytest.fixture
def stand_ins(monkeypatch):
    """PESQ is the length, similarity is undefined for one recording; the recognizer gets two words right at most."""

    def similarity(reference, estimate, rate):
        return math.nan if len(reference) == 6100 else 0.5

    monkeypatch.setitem(registry.METRICS, "pesq", lambda reference, estimate, rate: float(len(estimate)))
    monkeypatch.setitem(registry.METRICS, "stoi", lambda reference, estimate, rate: float(estimate.equal(reference)))
    monkeypatch.setitem(registry.ON_REQUEST, "similarity", similarity)
    monkeypatch.setitem(registry.ON_REQUEST, "distillmos", lambda reference, estimate, rate: 3.0)
    monkeypatch.setattr(registry, "find_spec", lambda name: True)
    texts = {6000: "one two", 6100: "three four"}

    def recognizer(name):
        transcribe = lambda wav, rate: texts[len(wav)]  # noqa: E731
        return type("Stub", (), {"about": name, "__call__": lambda self, wav, rate: transcribe(wav, rate)})()

    monkeypatch.setattr(librispeech, "recognizer", recognizer)
    monkeypatch.setattr("espnet2_decodec.evaluation.metrics.recognizers.recognizer", recognizer)


def test_utterances_are_read_from_the_corpus_or_its_subset(corpus):
    found = librispeech.read_utterances(corpus)
    assert found == librispeech.read_utterances(corpus / "test-clean")
    assert [item.text for item in found] == ["SEVEN EIGHT", "ONE TWO", "THREE FOUR FIVE SIX"]
    assert [item.key for item in librispeech.read_utterances(corpus, 2)] == ["121-121726-0000", "61-70968-0000"]


def test_the_table_has_measured_rows_and_then_published_ones(corpus, model, stand_ins, tmp_path, capsys):
    systems = ["recordings=mixture", f"ours=decodec:{model}:speech=1,background=0", "nothing=silence"]
    out = tmp_path / "out"
    command = ["librispeech", str(corpus), "--out", str(out), "--json", "--systems", *systems]
    assert main(command) == 0
    recordings, ours, nothing = json.loads(capsys.readouterr().out)
    # Words: "one two" is right; two of four are missing; "seven eight" is recognized as "one two".
    assert recordings["wer"] == pytest.approx(100 * 4 / 8) and recordings["similarity"] == 0.5
    assert recordings["pesq"] == pytest.approx((6000 + 6100 + 6000) / 3)
    assert recordings["stoi"] == 1 and ours["stoi"] == nothing["stoi"] == 0
    assert recordings["kbps"] is None and ours["kbps"] > 0 and ours["frame_rate"] == 50
    with open(out / "table.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["system"] for row in table[:3]] == ["recordings", "ours", "nothing"]
    assert {row["source"] for row in table[:3]} == {MEASURED} and len(table) == 3 + len(read_published())
    with open(out / "scores.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 3 * 3
    text = (out / "table.md").read_text()
    assert "| recordings | - | - |" in text and "| X-codec2 | 0.80 | 50 | 2.43 |" in text and "arXiv:2502.04128" in text


def test_a_rerun_computes_only_what_is_new(corpus, stand_ins, tmp_path, monkeypatch):
    utterances = librispeech.read_utterances(corpus)
    arguments = (["mixture"], tmp_path, ["pesq"], "stub")
    first = librispeech.score_codecs(utterances, *arguments)
    monkeypatch.setattr(librispeech, "Worker", lambda *_: pytest.fail("nothing is left to compute"))
    assert librispeech.score_codecs(utterances, *arguments) == first
    monkeypatch.undo()
    monkeypatch.setitem(registry.METRICS, "stoi", lambda *_: 0.25)
    (more,) = librispeech.score_codecs(utterances, ["mixture"], tmp_path, ["pesq", "stoi"], None)
    assert more.mean("stoi") == 0.25 and more.mean("pesq") == first[0].mean("pesq") and math.isnan(more.word_error_rate)


def test_bad_input_is_one_line(corpus, tmp_path, capsys, stand_ins):
    (tmp_path / "1" / "2").mkdir(parents=True)
    soundfile.write(tmp_path / "1" / "2" / "1-2-0000.flac", np.zeros(100), 16000)
    for arguments, message in (
        ([str(tmp_path / "no")], "has no SPEAKER/CHAPTER/*.flac; give the folder LibriSpeech"),
        ([str(tmp_path)], "1-2-0000.flac has no transcript"),
        ([str(corpus), "--metrics", "sdr"], "Unknown metric 'sdr'"),
        ([str(corpus), "--systems", "nonesuch"], "There is no system 'nonesuch'"),
        ([str(corpus), "--systems", "opus:6", "decodec:nowhere"], "nowhere"),
    ):
        assert main(["librispeech", *arguments, "--out", str(tmp_path / "out")]) == 1
        (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
        assert message in line, line
    assert not (tmp_path / "out" / "table.md").exists()


def test_every_published_row_has_a_source_and_plausible_figures():
    sources = read_sources()
    assert {row.source for row in read_published()} == sources.keys()
    assert all("arXiv:" in source.citation and source.conditions for source in sources.values())
    ranges = {"kbps": (0.1, 24), "frame_rate": (5, 100), "pesq": (1, 4.65), "stoi": (0, 1), "utmos": (1, 5)}
    ranges |= {"wer": (0, 100), "similarity": (0, 1)}
    assert ranges.keys() == set(FIGURES)
    for row in read_published():
        assert all(ranges[name][0] <= value <= ranges[name][1] for name, value in row.figures.items()), row
    named = " ".join(row["system"] for row in published_rows())
    assert all(name in named for name in ("EnCodec", "DAC", "SpeechTokenizer", "Mimi", "BigCodec", "X-codec2"))
