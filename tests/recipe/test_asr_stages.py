"""Stages 11 to 15: from transcribed recordings to error rates, with a recognizer trained for two epochs."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("espnet2"), reason="ESPnet is not installed: pip install '.[recipe]'"),
    pytest.mark.skipif(
        not (find_spec("jiwer") or Path("/usr/lib/sctk/bin/sclite").is_file()),
        reason="neither jiwer nor sclite is installed: stages 11 to 15 are not tested",
    ),
]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, new_recipe, write_sets):
    """The recipe after a run of all its stages."""
    folder = tmp_path_factory.mktemp("asr recipe")
    write_sets(
        folder / "data" / "own", {"speech_train": 22, "speech_dev": 1, "speech_test": 1, "background_test": 2}, 1.0
    )
    content = {"dim": 4, "channels": 8, "blocks": 1, "levels": 2, "codebook_size": 8}
    DeCodec.from_config({**TINY, "content": content}).save_pretrained(folder / "codec", shard_megabytes=0.08)
    shared = ["--stage", "11", "--stop_stage", "15", "--download_model", str(folder / "codec")]
    shared += ["--asr_config", "conf/asr/train_asr_mini.yaml", "--asr_args", "--max_epoch 2"]
    shared += ["--asr_inference_args", "--beam_size 1", "--asr_data_opts", "--snrs clean 0"]
    return new_recipe(folder, shared, "asr_mini_own_*").started()


def test_all_stages_write_their_output(recipe):
    dump = recipe.folder / "dump" / "own" / "asr" / "all_snrsclean0"
    decoded = recipe.exp / "decode_asr_beam_size1"
    for path in (recipe.exp / "config.yaml", recipe.exp / "valid.cer_ctc.ave.pth", recipe.exp / "run.sh"):
        assert path.stat().st_size
    assert (decoded / "test_snr0" / "text").stat().st_size and (decoded / "test_clean" / "char.align").stat().st_size
    assert (dump / "token_list" / "char" / "tokens.txt").stat().st_size and (dump / "test_snr0" / "text").stat().st_size


def test_the_table_is_printed_and_written(recipe):
    text = (recipe.exp / "RESULTS.md").read_text()
    assert "| decode_asr_beam_size1 | 1 |" in text and text in recipe.first
    assert "scored with" in recipe.first and "epoch 2: training loss" in recipe.first


def test_a_second_run_repeats_nothing(recipe):
    before = {path: path.stat().st_mtime for path in recipe.exp.rglob("*") if path.suffix in (".pth", ".yaml", ".scp")}
    done = recipe.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Up to date") == 4  # tokens, lengths, training, recognition
    assert before == {path: path.stat().st_mtime for path in before}


def test_denoised_test_sets_are_recognized_in_addition(recipe):
    done = recipe.run(
        "--stage", "11", "--denoise", f"decodec:{recipe.folder}/codec:unquantized", "--skip_train", "true"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in (recipe.exp / "RESULTS.md").read_text().splitlines() if line.startswith("| decode_asr")]
    assert len(rows) == 4 and "_of_" in rows[1]  # two decodings, characters and words


@pytest.mark.parametrize("discrete", ["semantic", "content"])
def test_tokens_are_recognized_in_place_of_waveforms(recipe, discrete):
    config = ["--asr_config", "conf/asr/train_asr_discrete_mini.yaml"]
    done = recipe.run("--discrete", discrete, *config, "--asr_data_opts", "--snrs 0")
    assert done.returncode == 0, done.stdout + done.stderr
    (exp,) = (recipe.folder / "exp").glob(f"asr_discrete_mini_own_*_{discrete}_*")
    assert "| decode_asr_beam_size1 | 1 |" in (exp / "RESULTS.md").read_text()
    units = (exp / "decode_asr_beam_size1" / "units").read_text().splitlines()
    assert len(units) == 4, "numbers 0, 10 and 20 of one voice, 0 of the other"
    assert all(word.startswith("1_") for word in units[0].split()[1:])


def test_an_experiment_does_not_resume_with_another_codec(recipe, tmp_path):
    model = sorted((recipe.folder / "codec").glob("model-*.safetensors"))[-1]
    kept = model.read_bytes()
    DeCodec.from_config(TINY).save_pretrained(tmp_path)
    model.write_bytes((tmp_path / "model.safetensors").read_bytes())
    try:
        done = recipe.run("--stage", "14", "--stop_stage", "14")
    finally:
        model.write_bytes(kept)
    assert done.returncode == 1 and "was started with another codec" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--no_such", "1"], "unknown option"),
        (["--token_type", "word"], "char or bpe"),
        (["--discrete", "some"], "semantic, content or a number of levels"),
        (["--asr_config", "none.yaml"], "there is no config none.yaml"),
        (["--asr_inference_tag", "x"], "must begin with decode_"),
        (["--stage", "15", "--inference_asr_model", "none.pth"], "none.pth is missing or empty"),
        (["--stage", "11", "--asr_set", "none", "--asr_speakers", "nobody"], "No transcribed recording of nobody"),
    ],
)
def test_wrong_options_are_rejected(recipe, options, message):
    done = recipe.run(*options)
    assert done.returncode == 1
    assert message in done.stderr
