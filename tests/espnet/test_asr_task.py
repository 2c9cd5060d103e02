"""`frontend: decodec` through ESPnet's ASR: training, packing, recognition, with our programs and with ESPnet's own."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec

pytestmark = [pytest.mark.slow, pytest.mark.compat]


def run(*command: str, **kwargs) -> subprocess.CompletedProcess:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=600, **kwargs)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def recognize(place, out: str, *program: str, config=None, weights=None) -> str:
    """The recognized text of a model, by default of the average of its epochs, after the codec's folder was moved."""
    config, weights = config or f"{place}/{out}/config.yaml", weights or f"{place}/{out}/valid.loss.ave.pth"
    (place / "codec").rename(place / "gone")
    try:
        run(*program, "--output_dir", f"{place}/{out}/decoded",
            "--asr_train_config", config, "--asr_model_file", weights,
            "--data_path_and_name_and_type", f"{place}/wav.scp,speech,sound", "--beam_size", "2",
            "--maxlenratio", "-3")  # fmt: skip
    finally:
        (place / "gone").rename(place / "codec")
    return (place / out / "decoded/1best_recog/text").read_text()


def test_our_programs_train_and_recognize_without_the_codecs_folder(asr_place, asr_training):
    run("-m", "espnet2_decodec.bin.asr_train", *asr_training(asr_place, "ours"))
    stored = yaml.safe_load((asr_place / "ours/config.yaml").read_text())["frontend_conf"]["codec"]
    assert stored["quantizer"]["codebook_size"] == TINY["quantizer"]["codebook_size"]
    assert len(recognize(asr_place, "ours", "-m", "espnet2_decodec.bin.asr_inference").splitlines()) == 4


def test_averaging_leaves_a_frozen_codec(asr_place):
    import torch

    before = DeCodec.from_pretrained(asr_place / "codec").state_dict()
    averaged = torch.load(asr_place / "ours/valid.loss.ave_2best.pth", weights_only=True, map_location="cpu")
    for name, value in before.items():
        torch.testing.assert_close(averaged[f"frontend.codec.{name}"], value, rtol=1e-6, atol=0)


@pytest.fixture
def packed(asr_place, tmp_path):
    """The file of a packed model."""
    files = ("--asr_train_config", "ours/config.yaml", "--asr_model_file", "ours/valid.loss.ave_2best.pth")
    run("-m", "espnet2.bin.pack", "asr", "--outpath", f"{tmp_path}/model.zip", *files, cwd=asr_place)
    return tmp_path / "model.zip"


def test_a_packed_model_recognizes_where_nothing_else_is(asr_place, packed, tmp_path):
    expected = recognize(asr_place, "ours", "-m", "espnet2_decodec.bin.asr_inference")
    (asr_place / "ours").rename(asr_place / "elsewhere")
    try:
        unpack = (
            "import json, sys; from espnet2.main_funcs.pack_funcs import unpack; "
            "print(json.dumps(unpack(*sys.argv[1:])))"
        )
        found = json.loads(run("-c", unpack, packed, f"{tmp_path}/unpacked").stdout.splitlines()[-1])
        (asr_place / "packed").mkdir()
        files = {"config": found["asr_train_config"], "weights": found["asr_model_file"]}
        assert recognize(asr_place, "packed", "-m", "espnet2_decodec.bin.asr_inference", **files) == expected
    finally:
        (asr_place / "elsewhere").rename(asr_place / "ours")


LOAD = """
import sys
import soundfile
from espnet_model_zoo.downloader import ModelDownloader
from espnet2_decodec.bin.asr_inference import Speech2Text
packed, cache, wav = sys.argv[1:]
found = ModelDownloader(cache).download_and_unpack(packed)
recognizer = Speech2Text.from_pretrained(**found, beam_size=2, maxlenratio=-3)
print("recognized:", recognizer(soundfile.read(wav)[0])[0][0])
"""


def test_a_packed_model_is_loaded_from_the_model_zoo(asr_place, packed, tmp_path):
    pytest.importorskip("espnet_model_zoo", reason="espnet_model_zoo is not installed: its packages are not loaded")
    text = recognize(asr_place, "ours", "-m", "espnet2_decodec.bin.asr_inference").splitlines()[0]
    printed = run("-c", LOAD, packed, tmp_path / "cache", asr_place / "u0.wav").stdout.splitlines()[-1]
    assert text.split(" ", 1)[1] == printed.removeprefix("recognized: ")


ESPNETEZ = """
import sys
import espnetez
from espnet2_decodec.espnet.asr_task import DeCodecASRTask
espnetez.task.TASK_CLASSES["asr"] = DeCodecASRTask
folder = sys.argv[1]
config = espnetez.config.from_yaml("asr", f"{folder}/train.yaml")
config.update(token_type="word", token_list=f"{folder}/tokens", max_epoch=1, optim_conf={"lr": 0.001})
data = {"speech": ("wav.scp", "sound"), "text": ("text", "text")}
dump = {"train_dump_dir": folder, "valid_dump_dir": folder, "data_info": data}
trainer = espnetez.Trainer("asr", config, f"{folder}/easy", f"{folder}/stats", **dump, ngpu=0)
trainer.collect_stats()
trainer.train()
"""


def test_espnetez_trains_models_that_contain_the_codec(asr_place):
    pytest.importorskip("espnetez", reason="this release of ESPnet has no espnetez, or its package six is missing")
    run("-c", ESPNETEZ, str(asr_place))
    weights = f"{asr_place}/easy/valid.loss.best.pth"
    assert (
        len(recognize(asr_place, "easy", "-m", "espnet2_decodec.bin.asr_inference", weights=weights).splitlines()) == 4
    )


def test_espnets_own_programs_do_the_same(asr_place, asr_training):
    module = ("-m", "espnet2_decodec", "-m")
    run(*module, "espnet2.bin.asr_train", *asr_training(asr_place, "stock"))
    assert len(recognize(asr_place, "stock", *module, "espnet2.bin.asr_inference").splitlines()) == 4


WORKER = """
import pickle, subprocess, sys
from espnet2_decodec.espnet.asr_task import DeCodecASRTask
parcel = pickle.dumps(DeCodecASRTask.main_worker)
load = "import pickle, sys; pickle.loads(sys.stdin.buffer.read()); "
code = load + "from espnet2.tasks.asr import frontend_choices as choices; choices.get_class('decodec')"
sys.exit(subprocess.run([sys.executable, "-c", code], input=parcel).returncode)
"""


def test_unpickling_the_worker_registers_the_frontend():
    """ESPnet's launcher passes `main_worker` to new processes, where it alone must register the frontend."""
    run("-c", WORKER)


SPAWN = """
import os, sys, torch
from espnet2_decodec.espnet.asr_task import DeCodecASRTask
start = torch.multiprocessing.get_context("spawn").Process
ranks = [start(target=DeCodecASRTask.main, args=(None, sys.argv[1:])) for _ in range(2)]
for number, rank in enumerate(ranks):
    os.environ["RANK"] = str(number)
    rank.start()
for rank in ranks:
    rank.join()
sys.exit(max(rank.exitcode for rank in ranks))
"""


def test_two_spawned_processes_train_together(asr_place, asr_training):
    from espnet2.train.distributed_utils import free_port

    together = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(free_port())}
    options = ["--dist_backend", "gloo", "--max_epoch", "1"]
    run("-c", SPAWN, *asr_training(asr_place, "spawned"), *options, env={**os.environ, **together})
    assert (asr_place / "spawned/valid.loss.best.pth").exists()
    assert yaml.safe_load((asr_place / "spawned/config.yaml").read_text())["distributed"] is True
