"""The comparison of synthesizers, and scores of a background that is kept under converted speech."""

import math
import sys
from pathlib import Path

import pytest
import torch

from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.tables import write_csv
from espnet2_decodec.io.audio import write
from research.voice import kept_background
from research.voice.compare import COLUMNS, MARKERS, markdown, merge, replace_table, summarize
from research.voice.comparison_sets import SENTENCES, TUNED_SENTENCES, Sentence, sentence_case, sentences
from research.voice.comparison_systems import RECORDED, SYSTEMS, PackageSystems, build_system
from research.voice.kept_background import NoiseClassifier, kept_background_scores
from research.voice.peers import Program
from tests.voices import save_models, vowels

ROOT = Path(__file__).resolve().parents[2]


def test_sentences_that_settings_were_chosen_by_are_left_out():
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    found = [one.text for one in sentences(None)]
    assert found == lines[TUNED_SENTENCES:] and not set(found) & set(lines[:TUNED_SENTENCES])
    assert len(sentences(3)) == 3


def test_a_transcript_in_capitals_becomes_a_sentence():
    assert sentence_case("THAT IS WHAT I'D SAY IF I COULD") == "That is what I'd say if I could."


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = save_models(tmp_path_factory.mktemp("models"))
    return PackageSystems(str(folder / "text"), str(folder / "voice"), str(folder / "codec"))


def test_systems_of_the_package_give_speech_of_the_right_duration(package):
    sentence = Sentence("Hello there.", vowels(140, 1.5), vowels(180, 3))
    wavs = {name: build_system(name, package)[0](sentence) for name in (*RECORDED, "say")}
    assert torch.equal(wavs["recording"], sentence.recording)
    assert len(wavs["copy"]) == len(sentence.recording)
    hop = package.tts.codec.hop
    assert 0 <= len(wavs["voice"]) - len(sentence.recording) < hop
    assert all(wav.ndim == 1 and torch.isfinite(wav).all() and wav.abs().max() > 0 for wav in wavs.values())


def test_a_system_of_recordings_refuses_a_text_alone(package):
    for name in RECORDED:
        with pytest.raises(ValueError, match="needs a recording"):
            build_system(name, package)[0](Sentence("Hello there.", None, vowels(180, 3)))


def test_a_program_gets_the_text_and_its_sound_is_read_at_16_khz(tmp_path):
    write(tmp_path / "sound.wav", [vowels(150, 0.5)], 16000)
    script = tmp_path / "speak.py"
    script.write_text(
        "import shutil, sys, pathlib\n"
        "assert pathlib.Path(sys.argv[1]).read_text().strip() == 'It costs $5.'\n"
        f"shutil.copy({str(tmp_path / 'sound.wav')!r}, sys.argv[2])\n"
    )
    peer = Program("package", f"{sys.executable} {script} {{text}} {{wav}}")
    assert peer("It costs $5.").shape == (8000,)
    with pytest.raises(RuntimeError, match="failed"):
        peer("Another text.")


def test_a_missing_program_is_named_with_its_packages():
    with pytest.raises(Unavailable, match="apt-get install some-package some-voice"):
        Program("some-package", "no-such-program {text} {wav}", "some-voice")


def row(word_errors, similarity=math.nan):
    return {
        "word_errors": word_errors, "words": 10, "character_errors": word_errors, "characters": 40, "dnsmos": 3.0,
        "similarity": similarity, "cpu": 0.5, "seconds": 2.0,
    }  # fmt: skip


def test_rates_are_those_of_all_sentences_together():
    found = summarize([row(0), row(1), row(5)])
    assert found["wer"] == pytest.approx(20.0) and found["cer"] == pytest.approx(5.0)
    assert found["wer_low"] < found["wer"] < found["wer_high"]
    assert found["words"] == 30 and found["cpu_seconds_a_second"] == pytest.approx(0.25)
    assert math.isnan(found["similarity"])


def test_a_recognizer_that_repeats_itself_makes_one_sentence_wrong_and_not_more():
    assert summarize([row(200), row(0)])["wer"] == pytest.approx(50.0)


def test_rows_that_are_not_scored_again_are_kept(tmp_path):
    path = tmp_path / "table.csv"
    rows = [{"set": "sentences", "system": name} | summarize([row(2, 0.7)]) for name in reversed(SYSTEMS[3:])]
    write_csv(path, COLUMNS, merge(path, rows))
    before = merge(path, [])
    assert [one["system"] for one in before] == list(SYSTEMS[3:])
    write_csv(path, COLUMNS, merge(path, [{"set": "sentences", "system": "say"} | summarize([row(0, 0.8)])]))
    after = {one["system"]: one for one in merge(path, [])}
    assert float(after["say"]["wer"]) == 0.0 and float(after["say"]["similarity"]) == 0.8
    assert all(after[one["system"]] == one for one in before if one["system"] != "say")
    assert len(markdown(after.values()).splitlines()) == 2 + len(after)


def test_the_table_of_the_documentation_is_that_of_the_results():
    table = markdown(merge(ROOT / "results" / "voice" / "tts_systems.csv", []))
    document = (ROOT / "docs" / "tts.md").read_text(encoding="utf-8")
    assert replace_table(document, table) == document
    assert replace_table(replace_table(document, "other"), table) == document
    with pytest.raises(ValueError, match="needs the lines"):
        replace_table(document.replace(MARKERS[1], ""), table)


def noises(kind, count, level, seed):
    """Recordings of low (brown) or high (differentiated) noise, with their class."""
    random, found = torch.Generator().manual_seed(seed), []
    for _ in range(count):
        wav = torch.randn(32000, generator=random)
        wav = wav.cumsum(0) if kind == "low" else wav.diff(prepend=wav[:1])
        found.append((level * (wav - wav.mean()) / wav.std(), kind))
    return found


def test_the_class_of_a_noise_is_found_at_any_level():
    classifier = NoiseClassifier(noises("low", 4, 0.1, 0) + noises("high", 4, 0.1, 1))
    for level in (0.2, 0.01):
        assert classifier.accuracy(noises("low", 3, level, 2) + noises("high", 3, level, 3)) == 100.0


def test_a_background_at_half_the_amplitude_has_6_db_less_and_the_same_class(monkeypatch):
    monkeypatch.setattr(kept_background, "RecordedBackground", lambda codec, blocks: [0.5 * wav for wav in blocks])
    classifier = NoiseClassifier(noises("low", 4, 0.1, 0) + noises("high", 4, 0.1, 1))
    pairs = [(wav, wav) for wav, _ in noises("low", 2, 0.1, 2)]
    found = kept_background_scores(None, classifier, pairs)
    assert found["background_level"] == pytest.approx(-6.02, abs=0.01)
    assert found["background_same_class"] == 100.0
    assert (
        kept_background_scores(None, classifier, [(pairs[0][0], noises("high", 1, 0.1, 3)[0][0])])[
            "background_same_class"
        ]
        == 0.0
    )
