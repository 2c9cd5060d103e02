"""Scores of synthesized sets."""

import math

import pytest
import torch

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.evaluation.examples import read_examples
from espnet2_decodec.evaluation.tts import background_scores
from espnet2_decodec.io.audio import read


def test_background_scores_are_those_of_the_piece_that_is_not_repeated():
    torch.manual_seed(0)
    came = torch.randn(40000)
    assert background_scores(came, came) == {"level": 0, "level_error": 0, "mel": 0}
    short = background_scores(came[:16000], torch.cat([0.5 * came[:12000], 9 * came[:20000]]))
    assert short["level"] == pytest.approx(-6.02, abs=0.01) and short["level_error"] == -short["level"]


def test_examples_are_kept(synthesized, monkeypatch, tmp_path):
    """Prompts, the recording with its text, and all systems, for utterances that all of them have."""
    from espnet2_decodec.evaluation import tts as score

    monkeypatch.setattr(score, "speaker_similarity", lambda *_: 0.5)
    monkeypatch.setattr(score, "dnsmos", lambda *_: math.nan)
    (tmp_path / "few.scp").write_text("".join(f"x-0{i} {synthesized}/test/x-0{i}.wav\n" for i in (1, 2)))
    systems = [
        f"recordings={tmp_path}/few.scp",
        f"none={synthesized}/synthesized/none",
        f"mine={synthesized}/synthesized/prompt",
    ]
    options = ["--systems", *systems, "--text", f"{synthesized}/test/text", "--out", f"{tmp_path}"]
    options += ["--references", f"{synthesized}/prompts/clean.scp"]
    prompts = ["--prompts", *(f"{kind}={synthesized}/prompts/{kind}.scp" for kind in ("clean", "noisy"))]
    run_step("tts_score", [*options, *prompts, "--recognizer", "none", "--keep", "1"])
    lines = read_examples(tmp_path / "examples")
    labels = [
        "prompt, clean",
        "prompt, noisy",
        "recording of the sentence",
        "synthesized, noisy prompt, no background",
        "mine",
    ]
    assert [line.label for line in lines] == labels and {(line.group, line.example) for line in lines} == {
        (score.GROUP, "x-01")
    }
    figures = "similarity to the voice 0.50"
    assert [line.note for line in lines] == ["", "", f"Ab, де! \N{MIDDLE DOT} {figures}", figures, figures]
    mix = read(read_table(synthesized / "synthesized/none/mix.scp")["x-01"], 16000)
    assert torch.allclose(read(tmp_path / "examples" / lines[3].file, 16000), mix, atol=1e-3)
    run_step("tts_score", [*options, "--recognizer", "none"])
    assert not list((tmp_path / "examples").iterdir())
    with pytest.raises(ValueError, match="At least 0 utterances"):
        run_step("tts_score", [*options, "--recognizer", "none", "--keep", "-1"])


def test_scores_without_evaluators_say_what_was_skipped(synthesized, monkeypatch, capsys):
    from espnet2_decodec.evaluation import tts as score
    from espnet2_decodec.evaluation.systems.base import Unavailable

    def absent(*_):
        raise Unavailable("no-such-package is not installed (pip install no-such-package).")

    def missing(*_):
        raise ImportError("other-package (pip install other-package)")

    monkeypatch.setattr(score, "recognizer", absent)
    monkeypatch.setattr(score, "speaker_similarity", missing)
    monkeypatch.setattr(score, "dnsmos", lambda *_: 3.0)
    options = [
        "--systems",
        f"recordings={synthesized}/test/wav.scp",
        *(f"{m}={synthesized}/synthesized/{m}" for m in ("none", "prompt")),
    ]
    options += ["--backgrounds", f"prompt={synthesized}/prompts/background.scp", "--text", f"{synthesized}/test/text"]
    run_step(
        "tts_score",
        [
            *options,
            "--references",
            f"{synthesized}/prompts/clean.scp",
            "--out",
            f"{synthesized}/synthesized",
            "--limit",
            "2",
        ],
    )
    printed = capsys.readouterr().out
    assert printed.count("skipped") == 2
    results = (synthesized / "synthesized/RESULTS.md").read_text()
    assert "speaker similarity skipped: other-package" in results and "error rates skipped: no-such-package" in results
    assert "| prompt | 2 | 3.00 |" in results and "background level, dB" in results
    assert len((synthesized / "synthesized/scores.csv").read_text().splitlines()) == 7
