"""Stages 16 to 20: from transcribed recordings to scores of synthesized speech, with a model trained for two epochs."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("espnet2"), reason="ESPnet is not installed: pip install '.[recipe]'"),
]
MODES = ("none_clean", "none", "unseparated", "denoised", "prompt", "file")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, new_recipe, write_sets, vocoder_codec):
    """The recipe after a run of all its stages."""
    folder = tmp_path_factory.mktemp("tts")
    counts = {"speech_train": 21, "speech_dev": 1, "speech_test": 1, "background_test": 2, "background_train": 2}
    write_sets(folder / "data" / "own", counts, 1.5)
    vocoder_codec.save_pretrained(folder / "codec")
    shared = ["--stage", "16", "--stop_stage", "20", "--inference_nj", "1", "--download_model", str(folder / "codec")]
    shared += ["--tts_speakers", "x", "--prompt_denoiser", "mixture", "--tts_config", "conf/tts/train_tts_debug.yaml"]
    shared += ["--tts_score_opts", "--recognizer none --limit 1"]
    return new_recipe(folder, shared, "tts_debug_own_*").started()


def stamps(folder: Path) -> dict[Path, float]:
    """Modification times of all output files below a folder."""
    kept = (".wav", ".npy", ".npz", ".pth", ".safetensors", ".csv")
    return {path: path.stat().st_mtime for path in folder.rglob("*") if path.suffix in kept and not path.is_symlink()}


def test_all_stages_write_their_output(recipe):
    for path in (
        "model/config.json",
        "model/model.safetensors",
        "train.log",
        "run.sh",
        "synthesis/RESULTS.md",
        "synthesis/scores.csv",
    ):
        assert (recipe.exp / path).stat().st_size
    for place in (*(f"{mode}/mix" for mode in MODES), "copy_synthesis/all_levels", "copy_synthesis/predicted_levels"):
        assert len(list((recipe.exp / "synthesis" / place).glob("*.wav"))) == 3  # 21 recordings: numbers 0, 10 and 20
    results = (recipe.exp / "synthesis" / "RESULTS.md").read_text()
    for name in ("recordings", "predicted_levels", *MODES):
        assert f"| {name} | 1 |" in results and f"| {name} | 1 |" in recipe.first
    examples = (recipe.exp / "synthesis" / "examples" / "examples.csv").read_text().splitlines()
    assert len(examples) == 1 + 5 + len(MODES) and examples[1].startswith("Text to speech,")
    assert "epoch 2: training loss" in recipe.first


def test_an_identity_denoiser_equals_no_separation(recipe):
    """Both take the speaker from the whole noisy prompt."""
    for path in (recipe.exp / "synthesis" / "denoised" / "mix").glob("*.wav"):
        other = recipe.exp / "synthesis" / "unseparated" / "mix" / path.name
        np.testing.assert_allclose(soundfile.read(path)[0], soundfile.read(other)[0], atol=2e-3)


def test_a_second_run_repeats_nothing(recipe):
    before = stamps(recipe.folder)
    done = recipe.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        done.stdout.count("Up to date") == 9
    )  # data, prompts three times, statistics, training, export, speech, scores
    assert stamps(recipe.folder) == before


def test_missing_input_stops_a_stage(recipe):
    done = recipe.run("--stage", "19", "--tts_exp", str(recipe.folder / "none"))
    assert done.returncode == 1
    assert "model.safetensors is missing or empty, although stage 18" in done.stderr


def test_wrong_options_are_rejected(recipe):
    wrong = {"unknown option": ["--no_such", "1"], "there is no config none.yaml": ["--tts_config", "none.yaml"]}
    for message, options in wrong.items():
        done = recipe.run(*options)
        assert done.returncode == 1 and message in done.stderr


def test_missing_speakers_are_reported(recipe):
    done = recipe.run("--stop_stage", "16", "--tts_speakers", "nobody")
    assert done.returncode == 1
    assert "0 transcribed recordings are too few" in done.stderr and done.stderr.rstrip().endswith("--stage 16")
