"""Stages 1 to 10 and 21: from recordings to scores and a page, with a codec trained for two epochs."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from espnet2_decodec import DeCodec

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("espnet2"), reason="ESPnet is not installed: pip install '.[recipe]'"),
]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, new_recipe, write_corpus):
    """The recipe after a run of all its stages."""
    folder = tmp_path_factory.mktemp("recipe")
    write_corpus(folder / "my recordings")
    shared = [
        "--nj",
        "1",
        "--inference_nj",
        "1",
        "--train_config",
        "conf/codec/train_decodec_debug.yaml",
        "--per_condition",
        "1",
    ]
    shared += ["--evaluate_opts", "--metrics si_sdr --limit 1"]
    shared += ["--conversion_opts", "--seconds 1.5 --denoiser none"]
    own = {f"OWN_{stream.upper()}": str(folder / "my recordings" / stream) for stream in ("speech", "background")}
    return new_recipe(folder, shared, "codec_decodec_debug_own", own).started()


def stamps(folder: Path) -> dict[Path, float]:
    """Modification times of all output files below a folder, without logs and tables, which every run writes."""
    kept = (".wav", ".npy", ".pth", ".safetensors", ".csv")
    return {path: path.stat().st_mtime for path in folder.rglob("*") if path.suffix in kept and not path.is_symlink()}


@pytest.mark.compat
def test_all_stages_write_their_output(recipe):
    made = recipe.exp / "decode" / "test"
    mixtures = (recipe.folder / "dump" / "own" / "test" / "mixture.scp").read_text().splitlines()
    assert len(mixtures) == 7
    seen = (recipe.folder / "dump" / "own" / "test_seen" / "utt2seen").read_text().splitlines()
    assert len(seen) == 6 and all(line.endswith("-seen yes") for line in seen), (
        "the same speech over backgrounds of the training"
    )
    for path in ("model/config.json", "model/model.safetensors", "train.log", "epochs.jsonl", "run.sh"):
        assert (recipe.exp / path).stat().st_size
    for stream in ("speech", "background", "both"):
        assert len(list((made / "wav" / stream).glob("*.wav"))) == 7
    assert len(list((made / "tokens" / "codes").glob("*.npy"))) == 14
    for path in (
        "evaluation/scores.csv", "evaluation/summary.md", "evaluation_seen/scores.csv", "report/index.html",
        "conversion/conversion.md",
    ):  # fmt: skip
        assert (made / path).stat().st_size
    assert "| mixture | seen |" in (made / "evaluation_seen" / "summary.md").read_text()
    assert "<h2>Voice conversion</h2>" in (made / "report" / "index.html").read_text()
    assert len(list((made / "conversion" / "examples").glob("*.knn_shift-unquantized.wav"))) == 6, (
        "one of each SNR, and clean"
    )


def test_the_table_is_printed_and_written(recipe):
    table = next(line for line in recipe.first.splitlines() if line.startswith("| decodec") and "ceiling" in line)
    assert table in (recipe.exp / "decode" / "test" / "evaluation" / "summary.md").read_text()
    assert "index.html in a browser" in recipe.first


def test_progress_of_training_is_shown(recipe):
    assert "epoch 2: training loss" in recipe.first


def test_a_second_run_repeats_nothing(recipe):
    before = stamps(recipe.folder)
    done = recipe.run("--stop_stage", "6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Up to date") == 4  # two filtered folders, training, export
    assert stamps(recipe.folder) == before


def test_a_codec_in_several_files_gives_the_same_tokens(recipe, tmp_path):
    DeCodec.from_pretrained(recipe.exp / "model").save_pretrained(tmp_path / "parts", shard_megabytes=0.1)
    assert len(list((tmp_path / "parts").glob("*.safetensors"))) > 1
    done = recipe.run("--stage", "7", "--stop_stage", "7", "--download_model", str(tmp_path / "parts"))
    assert done.returncode == 0, done.stdout + done.stderr
    again, first = (
        recipe.folder / "exp" / name / "decode/test/tokens/codes" for name in ("codec_parts_own", recipe.exp.name)
    )
    assert [path.read_bytes() for path in sorted(again.iterdir())] == [
        path.read_bytes() for path in sorted(first.iterdir())
    ]


def test_the_script_of_an_experiment_resumes_it(recipe):
    before = stamps(recipe.exp)
    script = recipe.exp / "run.sh"
    done = subprocess.run([script, "--stop_stage", "5"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Stage 5" in done.stdout and "Stage 3" not in done.stdout
    assert stamps(recipe.exp) == before


def test_missing_input_stops_a_stage(recipe):
    done = recipe.run("--stage", "6", "--stop_stage", "6", "--inference_model", "none.pth")
    assert done.returncode == 1
    assert "none.pth is missing or empty" in done.stderr
    assert "Stage 6 (codec export) failed" in done.stderr


def test_missing_output_of_a_successful_program_is_an_error(recipe):
    done = recipe.run(
        "--stage", "3", "--stop_stage", "3", "--dumpdir", str(recipe.folder / "other"), "--python", "true"
    )
    assert done.returncode == 1
    assert "mixture.scp is missing or empty" in done.stderr
    assert "make_mixtures.log" in done.stderr


def test_a_failing_stage_prints_its_name_its_log_and_the_call_to_continue(recipe):
    done = recipe.run("--stage", "3", "--stop_stage", "3", "--mixture_opts", "--no_such_option 1")
    assert done.returncode == 1
    assert "unrecognized arguments: --no_such_option" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "Stage 3 (validation and test mixtures" in last and "rerun with ./run.sh --size own" in last
    assert last.endswith("--stage 3")


def test_speech_without_transcripts_has_no_asr_and_no_tts(recipe):
    assert "stages 11 to 15 are skipped" in recipe.first and "stages 16 to 20 are skipped" in recipe.first
    assert "Stage 11" not in recipe.first and "Stage 16" not in recipe.first


@pytest.mark.parametrize(
    ("options", "stages"),
    [
        (["--skip_train", "true", "--stop_stage", "6"], [1, 2, 3]),
        (["--skip_data_prep", "true", "--stop_stage", "6"], [4, 5, 6]),
        (["--skip_eval", "true", "--stage", "6"], [6]),
        (["--stage", "2", "--stop_stage", "2"], [2]),
        (["--download_model", "shipped", "--stage", "4", "--stop_stage", "6"], []),
    ],
)
def test_stages_are_selected_as_in_espnet(recipe, options, stages):
    done = recipe.run(*options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [int(number) for number in re.findall(r"runs\) Stage (\d+):", done.stdout)] == stages


def test_wrong_options_are_rejected(recipe):
    for options, message in ((["--no_such", "1"], "unknown option"), (["--skip_eval", "yes"], "true or false")):
        done = recipe.run(*options)
        assert done.returncode == 1
        assert message in done.stderr
