"""Probes find what is known to be there: words, noise, speakers and classes in the tokens, phones in frames."""

import csv
import math

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import write_table
from espnet2_decodec.evaluation.metrics.bootstrap import Interval, bootstrap_interval
from espnet2_decodec.evaluation.metrics.recognizers import normalize_level
from espnet2_decodec.evaluation.mixture_set import MixtureItem
from espnet2_decodec.evaluation.probes import suite as suite_module
from espnet2_decodec.evaluation.probes.noise import detector_results, pause_results
from espnet2_decodec.evaluation.probes.phones import labeled_recordings, phone_results, read_labels
from espnet2_decodec.evaluation.probes.results import ProbeResult, markdown, write_results
from espnet2_decodec.evaluation.probes.stems import TRUE_STEMS, StemMeasurements, pause_level
from espnet2_decodec.evaluation.probes.suite import ProbeSuite
from espnet2_decodec.evaluation.probes.tokens import CUMULATIVE, LOG_MEL, make_example, represent, token_results
from espnet2_decodec.evaluation.probes.words import word_results

RATE = 16000


@pytest.fixture(scope="module")
def codec():
    torch.manual_seed(0)
    return DeCodec.from_config(TINY).eval()


def item(condition, speech, background):
    return MixtureItem("a_000_0", condition, speech + background, speech, background)


def test_words_are_looked_for_in_their_own_text():
    pytest.importorskip("jiwer", reason="jiwer is not installed")
    texts = {"a_000_0": "one two three four", "a_001_0": "five six seven eight"}
    notes = [
        StemMeasurements("s", "a_000_0", {"speech": "one two three four", "background": ""}, math.nan, None),
        StemMeasurements("s", "a_001_0", {"speech": "five six one two", "background": "Three; eight!"}, math.nan, None),
        StemMeasurements("s", "a_002_0", {"speech": "no text"}, math.nan, None),
    ]
    lines = word_results(notes, texts, dict.fromkeys(("a_000_0", "a_001_0", "a_002_0"), "0"))
    assert [(line.part, line.condition, line.interval.mean, line.interval.count) for line in lines] == [
        ("speech", "0", 75, 2), ("background", "0", 12.5, 2)
    ]  # fmt: skip
    assert [line.chance for line in lines] == [25, 12.5]


def test_the_level_in_pauses_is_that_of_the_background_there():
    torch.manual_seed(0)
    speech, noise = torch.zeros(RATE), 0.1 * torch.randn(RATE)
    speech[4000:8000] = 0.2 * torch.randn(4000)
    assert pause_level(item("0", speech, noise), speech + noise) == pytest.approx(0, abs=1e-6)
    assert pause_level(item("0", speech, noise), speech + 0.1 * noise) == pytest.approx(-20, abs=1e-3)
    louder = speech.clone()
    louder[4000:8000] *= 5
    assert pause_level(item("0", speech, noise), louder + 0.1 * noise) == pytest.approx(-20, abs=1e-3), (
        "speech does not count"
    )
    assert math.isnan(pause_level(item("clean", speech, 0 * noise), speech))
    assert math.isnan(pause_level(item("0", 0.1 * torch.randn(RATE), noise), noise)), "no pauses"
    lines = pause_results(
        [StemMeasurements("s", "a", {}, -20.0, None), StemMeasurements(TRUE_STEMS, "a", {}, -90.0, None)], {"a": "0"}
    )
    assert [(line.system, line.interval.mean) for line in lines] == [("s", -20)]


def test_loudness_before_listening():
    quiet = 1e-3 * torch.randn(RATE)
    assert 20 * normalize_level(quiet).square().mean().sqrt().log10().item() == pytest.approx(-26, abs=0.01)
    assert normalize_level(torch.zeros(10)).equal(torch.zeros(10))


def noted(shift):
    """Statistics of clean and noisy recordings of three voices, which differ by `shift`."""
    torch.manual_seed(0)
    notes, conditions, speakers = [], {}, {}
    for index in range(18):
        for condition in ("clean", "5"):
            key = f"v{index % 3}_{index:03d}_{condition}"
            conditions[key], speakers[key] = condition, f"v{index % 3}"
            windows = torch.randn(4, 6) + (shift if condition == "5" else 0) + 5 * (index % 3)
            notes.append(StemMeasurements("s", key, {}, math.nan, windows))
    return notes, conditions, speakers


def test_a_detector_finds_noise_of_held_out_speakers_and_none_where_there_is_none():
    (seen,), (nothing,) = (detector_results(*noted(shift)) for shift in (2.0, 0.0))
    assert seen.interval.mean > 90 and seen.interval.count == 18 and seen.chance == 50
    assert 25 < nothing.interval.mean < 75
    notes, conditions, speakers = noted(0)
    with pytest.raises(ValueError, match="two speakers"):
        detector_results(notes, conditions, dict.fromkeys(speakers, "one"))


def test_views_add_up_to_what_is_decoded(codec):
    wav = 0.1 * torch.randn(4000)
    found = represent(codec, wav)
    codes = codec.encode(wav[None])
    for stream, levels in (("speech", 3), ("background", 2)):
        last = [view for view in found if view.source == stream and view.levels == CUMULATIVE]
        assert len(last) == levels and found[0].source == LOG_MEL
        quantizer, tokens = getattr(codec, f"{stream}_quantizer"), getattr(codes, stream)
        for number, view in enumerate(last, start=1):
            assert torch.allclose(view.frames.T, quantizer.decode(tokens[:, :number])[0], atol=1e-5)
    assert len({len(view.frames) for view in found}) == 1


def test_the_tokens_of_the_content_are_a_stream_of_their_own():
    content = {"dim": 4, "channels": 8, "blocks": 1, "levels": 2, "codebook_size": 8}
    codec = DeCodec.from_config({**TINY, "content": content}).eval()
    wav = 0.1 * torch.randn(4000)
    last = [view for view in represent(codec, wav) if view.source == "content" and view.levels == CUMULATIVE]
    tokens = codec.content_tokens(wav[None])
    for number, view in enumerate(last, start=1):
        assert torch.allclose(view.frames.T, codec.content_encoder.quantizer.decode(tokens[:, :number])[0], atol=1e-5)
    assert len(last) == 2


def test_tokens_tell_a_hum_from_noise(codec):
    examples = []
    for index in range(8):
        torch.manual_seed(index)
        time = torch.arange(RATE) / RATE
        wav = 0.1 * torch.randn(RATE) if index % 2 else 0.3 * torch.sin(2 * math.pi * (100 + index) * time)
        examples.append(make_example(codec, f"x_{index:03d}_5", "noise" if index % 2 else "hum", wav))
    lines = token_results("background", examples)
    assert len(lines) == 1 + 2 * 3 + 2 * 2 and {line.system for line in lines} == {LOG_MEL, "speech", "background"}
    assert all(
        line.interval.mean == 100 for line in lines if line.condition == CUMULATIVE and line.system != "background"
    )
    assert all(line.chance <= 50 for line in lines)
    with pytest.raises(ValueError, match="two classes"):
        token_results("speaker", examples[::2])


@pytest.fixture
def voice(tmp_path):
    """A Festival voice of three sentences: noise is phone a, a hum is b."""
    for number in range(6):
        rng = np.random.default_rng(number)
        hum = 0.3 * np.sin(np.arange(RATE // 2) / 10)
        path = tmp_path / "voice" / "wav" / f"s{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.concatenate([0.1 * rng.normal(size=RATE // 2), hum]), RATE)
        labels = tmp_path / "voice" / "lab" / f"s{number}.lab"
        labels.parent.mkdir(exist_ok=True)
        labels.write_text("separator ;\n#\n  0.5000 26 a\n  1.0000 26 b\n")
    return tmp_path / "voice"


def test_phones_of_frames(codec, voice):
    lines = phone_results(codec, voice, [0.01 * torch.randn(3000)], ["20", "clean"])
    assert {line.condition for line in lines} == {"20", "clean"} and len(lines) == 2 * (1 + 3 + 2)
    best = {line.condition: line.interval.mean for line in lines if line.system == LOG_MEL}
    assert best["clean"] > 90 and best["20"] > 90 and lines[0].chance == 50
    assert labeled_recordings(voice, 3)[-1][0].stem == "s5"
    assert read_labels(voice / "lab" / "s0.lab").phones_of_frames(5, 0.25) == ["a", "a", "b", "b", "b"]
    (voice / "lab" / "s1.lab").write_text("#\n 2.0 26 a\n 1.0 26 b\n")
    with pytest.raises(ValueError, match="no label file"):
        read_labels(voice / "lab" / "s1.lab")
    with pytest.raises(ValueError, match="three or more"):
        labeled_recordings(voice / "lab")


def test_tables(tmp_path):
    lines = [
        ProbeResult("words", "decodec", "background", "10", bootstrap_interval([10.0, 20.0]), 5.0),
        ProbeResult("words", "decodec", "background", "-5", Interval(math.nan, math.nan, math.nan, 0)),
        ProbeResult("speaker", "speech", "level 1", CUMULATIVE, bootstrap_interval([50.0]), 25.0),
    ]
    write_results(tmp_path / "probes.csv", lines)
    with open(tmp_path / "probes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["mean"] == "15" and rows[1]["mean"] == "" and rows[1]["count"] == "0" and rows[2]["chance"] == "25"
    text = markdown(lines, {"command": "x"}, ["gtcrn is skipped: no"])
    assert "| decodec | background | - | 15.0 [10.0, 20.0] (5.0) |" in text and "- gtcrn is skipped" in text
    assert "| system | part | -5 dB | 10 dB |" in text and "50.0 [50.0, 50.0] (25.0)" in text


@pytest.fixture
def data(tmp_path):
    """Two speakers, two classes, three conditions."""
    rng = np.random.default_rng(0)
    tables = {}
    for index in range(4):
        who, kind = ("anna", "boris")[index % 2], ("rain", "music")[index // 2]
        for condition in ("5", "clean", "background"):
            key = f"{who if condition != 'background' else 'none'}_{index:03d}_{condition}"
            speech = 0.1 * rng.normal(size=9000) * (condition != "background")
            background = 0.05 * rng.normal(size=9000) * (condition != "clean")
            speech[:4000] = 0
            values = {"utt2snr": condition, "utt2spk": who if condition != "background" else "none"}
            values["utt2background"] = kind if condition != "clean" else "none"
            if condition != "background":
                values["text"] = f"words of {index}"
            for stem, wav in (("mixture", speech + background), ("speech", speech), ("background", background)):
                values[f"{stem}.scp"] = tmp_path / f"{key}.{stem}.wav"
                soundfile.write(values[f"{stem}.scp"], wav, RATE, subtype="FLOAT")
            for name, value in values.items():
                tables.setdefault(name, {})[key] = value
    for name, table in tables.items():
        write_table(tmp_path / name, table)
    return tmp_path


def test_all_probes_of_a_set(data, codec, monkeypatch):
    warnings = []
    probing = ProbeSuite(data, warn=warnings.append)
    probing.probe_stems(["mixture"], None, "en", (), True, 1)
    probing.probe_tokens(codec)
    lines = probing.results
    assert {line.probe for line in lines} == {"pauses", "detector", "speaker", "background"} and not warnings
    pause = next(line for line in lines if line.probe == "pauses")
    assert pause.system == "mixture" and pause.interval.mean == pytest.approx(0, abs=1e-4)
    with pytest.raises(ValueError, match="no speaker 'carla'"):
        probing.probe_stems(["mixture"], "whisper-base", "en", ("carla",), False, 1)
    with pytest.raises(ValueError, match="no recognizer 'ear'"):
        probing.probe_stems(["mixture"], "ear", "en", (), False, 1)
    (data / "text").unlink()
    with pytest.raises(ValueError, match="has a text"):
        probing.probe_stems(["mixture"], "whisper-base", "en", (), False, 1)


def test_a_missing_recognizer_is_one_line(data, monkeypatch):
    def missing(name):
        raise suite_module.Unavailable(f"{name} is not installed.")

    monkeypatch.setattr(suite_module, "recognizer", missing)
    warnings = []
    probing = ProbeSuite(data, warn=warnings.append)
    probing.probe_stems(["mixture"], "whisper-base", "en", (), False, 1)
    assert warnings == ["words are skipped: whisper-base is not installed."] == probing.skipped and not probing.results
