"""Sets, prompts, synthesis of a set and its scores."""

import json
import math

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.bin import tts_inference
from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.tts import Wanted, prepare
from espnet2_decodec.data.tts_prompts import KINDS, Plan, make_prompts
from espnet2_decodec.evaluation.examples import read_examples
from espnet2_decodec.evaluation.tts import background_figures
from espnet2_decodec.io.audio import read


def write_dir(folder, count: int, text: str = "Ab, де!", seconds: float = 2.0, speaker: str = "x"):
    """A Kaldi directory of hums."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    names = [f"{speaker}-{i:02d}" for i in range(count)]
    for name in names:
        soundfile.write(folder / f"{name}.wav", 0.1 * random.standard_normal(int(16000 * seconds)), 16000)
    for table, value in (("wav.scp", lambda n: folder / f"{n}.wav"), ("utt2spk", lambda n: speaker),
                         ("utt2dur", lambda n: seconds), ("text", lambda n: text)):  # fmt: skip
        (folder / table).write_text("".join(f"{name} {value(name)}\n" for name in names))
    return folder


def test_splits_are_by_number_and_characters_are_of_training(tmp_path):
    place = write_dir(tmp_path / "in", 21)
    prepare([place, tmp_path], tmp_path / "out", Wanted())
    assert sorted(read_table(tmp_path / "out/test/text")) == ["x-00", "x-10", "x-20"]
    assert sorted(read_table(tmp_path / "out/dev/text")) == ["x-05"]
    assert len(read_table(tmp_path / "out/train/wav.scp")) == 17
    assert "".join(json.loads((tmp_path / "out/tokens.json").read_text())[3:]) == " !,abде"


@pytest.mark.parametrize("text", ["Room 7", "[noise]", "a" * 61, "..."])
def test_transcripts_that_cannot_be_said_are_left_out(tmp_path, text):
    good, bad = write_dir(tmp_path / "good", 21), write_dir(tmp_path / "bad", 30, text, speaker="y")
    assert "30 recordings left out" in prepare([good, bad], tmp_path / "out", Wanted())


def test_voices_that_are_not_there_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="No transcribed recording is left for train and dev and test"):
        prepare([write_dir(tmp_path / "in", 21)], tmp_path / "out", Wanted(("nobody",)))


def test_prompts_are_of_others_at_the_snr(tmp_path):
    test, sounds = write_dir(tmp_path / "test", 3), write_dir(tmp_path / "sounds", 2, speaker="s")
    assert make_prompts(test, sounds, tmp_path / "out", Plan()) == 3
    clean, noisy, background, _ = (read(read_table(tmp_path / f"out/{kind}.scp")["x-00"], 16000) for kind in KINDS)
    assert torch.allclose(clean + background, noisy, atol=1e-4)
    assert 10 * np.log10(active_power(clean.numpy()) / active_power(background.numpy())) == pytest.approx(5, abs=0.1)
    others = torch.cat([read(test / f"x-0{i}.wav", 16000) for i in (1, 2)])
    assert torch.corrcoef(torch.stack([clean, others[: len(clean)]]))[0, 1] > 0.999


def test_background_figures_are_those_of_the_piece_that_is_not_repeated():
    torch.manual_seed(0)
    came = torch.randn(40000)
    assert background_figures(came, came) == {"level": 0, "off": 0, "mel": 0}
    short = background_figures(came[:16000], torch.cat([0.5 * came[:12000], 9 * came[:20000]]))
    assert short["level"] == pytest.approx(-6.02, abs=0.01) and short["off"] == -short["level"]


@pytest.fixture(scope="module")
def said(voice_model, tmp_path_factory):
    """A folder with a set, its prompts, and what was said."""
    place = tmp_path_factory.mktemp("sets")
    write_dir(place / "test", 3)
    make_prompts(place / "test", write_dir(place / "sounds", 2, speaker="s"), place / "prompts", Plan())
    for mode in ("none", "prompt", f"{place}/prompts/other.scp"):
        options = ["--text", f"{place}/test/text", "--prompts", f"{place}/prompts/noisy.scp", "--background", mode]
        out = f"{place}/said/{'file' if '/' in mode else mode}"
        tts_inference.main(["--model", str(voice_model), *options, "--out", out])
    return place


def test_a_set_is_said_under_every_background(said):
    for mode in ("none", "prompt", "file"):
        tables = [read_table(said / "said" / mode / f"{stem}.scp") for stem in ("mix", "speech", "background")]
        mix, speech, background = (read(table["x-01"], 16000) for table in tables)
        assert len(mix) == len(speech) == len(background)
        assert bool(background.any()) == (mode != "none")
        assert all(float(v) > 0 for v in read_table(said / "said" / mode / "utt2rtf").values())


def test_a_missing_prompt_is_named(said, voice_model, tmp_path):
    (tmp_path / "text").write_text("other abc\n")
    options = ["--text", f"{tmp_path}/text", "--prompts", f"{said}/prompts/noisy.scp", "--out", f"{tmp_path}/out"]
    with pytest.raises(ValueError, match="other has no prompt"):
        tts_inference.main(["--model", str(voice_model), *options])


def test_originals_are_decoded_from_all_levels_and_from_few(voice_model, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).integers(0, 16, (30, 4)).astype(np.int16))
    (tmp_path / "codes.scp").write_text(f"a {tmp_path}/a.npy\n")
    run_step(
        "tts_copy_synthesis",
        ["--model", str(voice_model), "--tokens", f"{tmp_path}/codes.scp", "--out", f"{tmp_path}/out"],
    )
    wavs = [read(read_table(tmp_path / f"out/{name}.scp")["a"], 16000) for name in ("all", "vocoder")]
    assert len(wavs[0]) == len(wavs[1]) == 30 * 320 and not torch.equal(*wavs)


def test_examples_are_kept(said, monkeypatch, tmp_path):
    """Prompts, the recording with its text, what was said; of utterances that all systems have, and none of an earlier run."""
    from espnet2_decodec.evaluation import tts as score

    monkeypatch.setattr(score, "speaker_similarity", lambda *_: 0.5)
    monkeypatch.setattr(score, "dnsmos", lambda *_: math.nan)
    (tmp_path / "few.scp").write_text("".join(f"x-0{i} {said}/test/x-0{i}.wav\n" for i in (1, 2)))
    systems = [f"recordings={tmp_path}/few.scp", f"none={said}/said/none", f"mine={said}/said/prompt"]
    options = ["--systems", *systems, "--text", f"{said}/test/text", "--out", f"{tmp_path}"]
    options += ["--voices", f"{said}/prompts/clean.scp"]
    prompts = ["--prompts", *(f"{kind}={said}/prompts/{kind}.scp" for kind in ("clean", "noisy"))]
    run_step("tts_score", [*options, *prompts, "--recognizer", "none", "--keep", "1"])
    lines = read_examples(tmp_path / "examples")
    labels = [
        "prompt, clean",
        "prompt, noisy",
        "recording of the sentence",
        "said, noisy prompt, no background",
        "mine",
    ]
    assert [line.label for line in lines] == labels and {(line.group, line.example) for line in lines} == {
        (score.GROUP, "x-01")
    }
    figures = "similarity to the voice 0.50"
    assert [line.note for line in lines] == ["", "", f"Ab, де! \N{MIDDLE DOT} {figures}", figures, figures]
    mix = read(read_table(said / "said/none/mix.scp")["x-01"], 16000)
    assert torch.allclose(read(tmp_path / "examples" / lines[3].file, 16000), mix, atol=1e-3)
    run_step("tts_score", [*options, "--recognizer", "none"])
    assert not list((tmp_path / "examples").iterdir())
    with pytest.raises(ValueError, match="At least 0 utterances"):
        run_step("tts_score", [*options, "--recognizer", "none", "--keep", "-1"])


def test_scores_without_judges_say_what_was_skipped(said, monkeypatch, capsys):
    from espnet2_decodec.evaluation import tts as score
    from espnet2_decodec.evaluation.systems.base import Unavailable

    def absent(*_):
        raise Unavailable("no-such-package is not installed (pip install no-such-package).")

    def missing(*_):
        raise ImportError("other-package (pip install other-package)")

    monkeypatch.setattr(score, "recognizer", absent)
    monkeypatch.setattr(score, "speaker_similarity", missing)
    monkeypatch.setattr(score, "dnsmos", lambda *_: 3.0)
    options = ["--systems", f"recordings={said}/test/wav.scp", *(f"{m}={said}/said/{m}" for m in ("none", "prompt"))]
    options += ["--sources", f"prompt={said}/prompts/background.scp", "--text", f"{said}/test/text"]
    run_step("tts_score", [*options, "--voices", f"{said}/prompts/clean.scp", "--out", f"{said}/said", "--limit", "2"])
    printed = capsys.readouterr().out
    assert printed.count("skipped") == 2
    results = (said / "said/RESULTS.md").read_text()
    assert "speaker similarity skipped: other-package" in results and "error rates skipped: no-such-package" in results
    assert "| prompt | 2 | 3.00 |" in results and "background level, dB" in results
    assert len((said / "said/scores.csv").read_text().splitlines()) == 7
