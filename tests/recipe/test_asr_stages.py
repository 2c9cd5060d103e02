"""Stages 12 to 16: from transcribed recordings to error rates, with a recognizer that learns nothing."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2_decodec.codec.build import TINY
from espnet2_decodec.codec.decodec import DeCodec

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("espnet2"), reason="ESPnet is not installed: pip install '.[recipe]'"),
    pytest.mark.skipif(
        not (find_spec("jiwer") or Path("/usr/lib/sctk/bin/sclite").is_file()),
        reason="neither jiwer nor sclite is installed: stages 12 to 16 are not tested",
    ),
]


@dataclass
class Recipe:
    """A place where asr.sh is run, and what the first run, of all stages, printed."""

    folder: Path
    first: str = ""

    def run(self, *options: str) -> subprocess.CompletedProcess:
        """./asr.sh with what all runs share, and `options`."""
        places = [part for name in ("data", "dump", "exp") for part in (f"--{name}dir", str(self.folder / name))]
        shared = ["--size", "own", "--ngpu", "0", "--nj", "2", "--codec", str(self.folder / "codec")]
        config = ["--asr_config", "conf/asr/train_asr_mini.yaml", "--asr_args", "--max_epoch 2"]
        config += ["--inference_args", "--beam_size 1"]
        data = ["--asr_data_opts", "--snrs clean 0"]
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "VIRTUAL_ENV": sys.prefix}
        command = [ROOT / "egs2" / "decodec" / "asr.sh", *shared, *places, *config, *data, *options]
        return subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, check=False)

    @property
    def exp(self) -> Path:
        """The folder of the experiment."""
        (found,) = (self.folder / "exp").glob("asr_mini_own_*")
        return found


def write_data(folder: Path) -> None:
    """Data directories as stage 1 writes them: a hummed voice with words, and noise."""
    random = np.random.default_rng(0)
    time = np.arange(16000) / 16000
    for stream, split, count in (("speech", "train", 22), ("speech", "dev", 1), ("speech", "test", 1), ("background", "test", 2)):
        place = folder / f"{stream}_{split}"
        place.mkdir(parents=True)
        names = [f"{split}-{i:02d}" for i in range(count)]
        for i, name in enumerate(names):
            hum = 0.1 * np.sin(2 * np.pi * (100 + 10 * i) * time) * np.sin(9 * time) ** 2
            soundfile.write(place / f"{name}.wav", hum if stream == "speech" else 0.1 * random.standard_normal(20000), 16000)
        for table, value in (("wav.scp", lambda name, place=place: place / f"{name}.wav"), ("utt2spk", lambda name: name[:-3]),
                             ("utt2dur", lambda name: 1.0), ("text", lambda name: "Ding, dong!")):  # fmt: skip
            (place / table).write_text("".join(f"{name} {value(name)}\n" for name in names))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Recipe:
    """All stages, run once."""
    recipe = Recipe(tmp_path_factory.mktemp("asr recipe"))
    write_data(recipe.folder / "data" / "own")
    DeCodec.from_config(TINY).save_pretrained(recipe.folder / "codec")
    done = recipe.run()
    assert done.returncode == 0, done.stdout + done.stderr
    recipe.first = done.stdout
    return recipe


def test_all_stages_leave_their_products(recipe):
    dump = recipe.folder / "dump" / "own" / "asr" / "all_snrsclean0"
    decoded = recipe.exp / "decode_asr_beam_size1"
    for path in (recipe.exp / "config.yaml", recipe.exp / "valid.cer_ctc.ave.pth", recipe.exp / "run.sh"):
        assert path.stat().st_size
    assert (decoded / "test_snr0" / "text").stat().st_size and (decoded / "test_clean" / "char.align").stat().st_size
    assert (dump / "token_list" / "char" / "tokens.txt").stat().st_size and (dump / "test_snr0" / "text").stat().st_size


def test_the_table_is_printed_and_kept(recipe):
    text = (recipe.exp / "RESULTS.md").read_text()
    assert "| decode_asr_beam_size1 | 1 |" in text and text in recipe.first
    assert "scored with" in recipe.first and "epoch 2: training loss" in recipe.first


def test_a_second_run_does_nothing_again(recipe):
    before = {path: path.stat().st_mtime for path in recipe.exp.rglob("*") if path.suffix in (".pth", ".yaml", ".scp")}
    done = recipe.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Done already") == 4  # tokens, lengths, training, recognition
    assert before == {path: path.stat().st_mtime for path in before}


def test_denoised_test_sets_are_recognized_beside_the_others(recipe):
    done = recipe.run("--stage", "12", "--denoise", f"decodec:{recipe.folder}/codec:unquantized", "--skip_train", "true")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in (recipe.exp / "RESULTS.md").read_text().splitlines() if line.startswith("| decode_asr")]
    assert len(rows) == 4 and "_of_" in rows[1]  # two decodings, characters and words


def test_tokens_are_recognized_in_place_of_sound(recipe):
    config = ["--asr_config", "conf/asr/train_asr_discrete_mini.yaml"]
    done = recipe.run("--discrete", "semantic", *config, "--asr_data_opts", "--snrs 0")
    assert done.returncode == 0, done.stdout + done.stderr
    (exp,) = (recipe.folder / "exp").glob("asr_discrete_mini_own_*")
    assert "| decode_asr_beam_size1 | 1 |" in (exp / "RESULTS.md").read_text()
    units = (exp / "decode_asr_beam_size1" / "units").read_text().splitlines()
    assert len(units) == 5 and all(word.startswith("1_") for word in units[0].split()[1:])


def test_an_experiment_does_not_go_on_with_another_codec(recipe, tmp_path):
    model = recipe.folder / "codec" / "model.safetensors"
    kept = model.read_bytes()
    DeCodec.from_config(TINY).save_pretrained(tmp_path)
    model.write_bytes((tmp_path / "model.safetensors").read_bytes())
    try:
        done = recipe.run("--stage", "15", "--stop_stage", "15")
    finally:
        model.write_bytes(kept)
    assert done.returncode == 1 and "was begun with another codec" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--no_such", "1"], "unknown option"),
        (["--token_type", "word"], "char or bpe"),
        (["--discrete", "some"], "semantic or a number of levels"),
        (["--asr_config", "none.yaml"], "there is no config none.yaml"),
        (["--inference_tag", "x"], "begins with decode_"),
        (["--stage", "16", "--inference_asr_model", "none.pth"], "none.pth is missing or empty"),
        (["--stage", "12", "--asr_set", "none", "--asr_voices", "nobody"], "No transcribed recording of nobody"),
    ],
)
def test_wrong_options_are_refused(recipe, options, said):
    done = recipe.run(*options)
    assert done.returncode == 1
    assert said in done.stderr
