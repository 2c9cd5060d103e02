"""Configs of the plain loop, its clock, the codec to start from, and ablations."""

import time
from copy import deepcopy
from pathlib import Path

import pytest
import soundfile
import torch
import yaml

from espnet2_decodec import DeCodec
from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.training import __main__ as training
from espnet2_decodec.training.config import init_from, set_options, trainer_options
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.options import TrainerOptions


def test_settings_reach_into_sections_and_are_yaml():
    config = {"a": {"b": 1, "c": 2}}
    set_options(config, ["a.b=5", "d.e.f=[1, 2.5]", "g={name: x}", "a.c=null"])
    assert config == {"a": {"b": 5, "c": None}, "d": {"e": {"f": [1, 2.5]}}, "g": {"name": "x"}}


@pytest.mark.parametrize("setting", ["a.b", "a.b.c=1"])
def test_settings_that_lead_nowhere_are_refused(setting):
    with pytest.raises(ValueError, match="KEY=VALUE|not a section"):
        set_options({"a": {"b": 1}}, [setting])


@pytest.mark.parametrize("name", ["", "_causal", "_debug", "_mini", "_paper", "_paper_1gpu", "_seanet"])
def test_configs_of_the_espnet_task_are_those_of_the_plain_loop(name):
    config = yaml.safe_load((Path(__file__).parents[2] / f"conf/codec/train_decodec{name}.yaml").read_text())
    options = trainer_options(set_options(config, ["trainer_conf.minutes=5"]))
    batches = config["num_iters_per_epoch"] * config["max_epoch"]
    assert options.steps * config.get("accum_grad", 1) == batches and options.minutes == 5
    assert options.batch_size == config["batch_size"]
    assert options.lr == config.get("optim_conf", {}).get("lr", options.lr)


def test_options_that_the_plain_loop_lacks_are_refused():
    with pytest.raises(ValueError, match="no option optim_conf.eps"):
        trainer_options({"optim_conf": {"eps": 1}})


@pytest.mark.parametrize(
    "setting, right",
    [
        ("options.lr", "trainer_conf.lr"),
        ("options.minutes", "trainer_conf.minutes"),
        ("option.steps", "trainer_conf.steps"),
        ("lr", "trainer_conf.lr"),
        ("optim_config.lr", "optim_conf.lr"),
        ("mixing.snr", "mixing_conf.snr"),
        ("trainer.codec", "codec_conf.codec"),
        ("optim_conf.lrr", "optim_conf.lr"),
        ("options.batch", "trainer_conf.batch_size"),
    ],
)
def test_the_right_key_is_named_for_a_wrong_one(setting, right):
    with pytest.raises(ValueError, match=rf"no option {setting}; .* Did you mean {right}\?$"):
        trainer_options(set_options({}, [f"{setting}=1"]))


def test_an_unknown_clock_is_refused():
    with pytest.raises(ValueError, match="wall and process"):
        TrainerOptions(clock="sun")


def test_the_clock_of_the_process_stands_still_while_it_waits(tmp_path, monkeypatch):
    objective = Objective(codec=TINY, discriminator={"windows": [256], "channels": 4}, teacher="logmel")
    trainer = Trainer(objective, Mixing(), TrainerOptions(steps=2, clock="process", eval_interval=1), tmp_path)
    monkeypatch.setattr(trainer, "draw", lambda *_: time.sleep(1.0))
    monkeypatch.setattr(trainer, "step", lambda _: objective.steps.add_(1) and setattr(objective, "_step", None) or {})
    monkeypatch.setattr(trainer, "save", lambda: None)
    trainer.train(None, None)
    assert objective.step == 2 and trainer.seconds < 1.0


@pytest.fixture
def corpus(tmp_path):
    """Four folders of one recording each."""
    for name in ("speech_train", "background_train", "speech_dev", "background_dev"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        wav = 0.1 * torch.randn(40000, generator=torch.Generator().manual_seed(len(name)))
        soundfile.write(folder / "a.wav", wav.numpy(), 16000)
        (folder / "wav.scp").write_text(f"a {folder}/a.wav\n")
        (folder / "utt2spk").write_text("a a\n")
    return tmp_path / "data"


def test_training_starts_from_a_saved_codec(corpus, model, tmp_path):
    """After no step it is the same codec, and its codebooks are not initialized again."""
    settings = [
        "codec_conf.teacher=logmel",
        "trainer_conf.batch_size=2",
        "trainer_conf.segment_length=4800",
        "trainer_conf.num_backgrounds=1",
    ]
    common = ["--data", str(corpus), "--init", str(model), "--device", "cpu"]
    training.main([*common, "--out", str(tmp_path / "none"), "--set", *settings, "trainer_conf.steps=0"])
    weights = torch.load(tmp_path / "none" / "checkpoint.pt", weights_only=True)["objective"]
    for name, value in DeCodec.from_pretrained(model).state_dict().items():
        assert torch.equal(weights[f"generator.codec.{name}"], value), name
    config = set_options({}, settings)
    init_from(config, str(model))
    assert Objective(**config["codec_conf"]).schedule.unquantized_steps == 0
    added = set_options({}, ["codec_conf.codec.content={dim: 4, channels: 8}"])
    begun = init_from(added, str(model))
    weights = begun.state_dict()
    assert begun.content_encoder.dim == 4 and all(
        torch.equal(weights[n], v) for n, v in DeCodec.from_pretrained(model).state_dict().items()
    )
    begun.save_pretrained(tmp_path / "content")
    levels = init_from(
        set_options({}, ["codec_conf.codec.content={levels: 1, codebook_size: 8}"]), str(tmp_path / "content")
    )
    assert levels.content_encoder.dim == 4 and levels.content_encoder.quantizer.codebooks.shape == (1, 8, 4)
    assert all(torch.equal(levels.state_dict()[name], value) for name, value in weights.items())
    with pytest.raises(ValueError, match="`levels` to content that has none, or `blocks`"):
        init_from(set_options({}, ["codec_conf.codec.content={dim: 8}"]), str(tmp_path / "content"))
    with pytest.raises(ValueError, match="Beside --init"):
        training.main([*common, "--out", str(tmp_path / "other"), "--set", "codec_conf.codec.split={speech_dim: 4}"])


def test_content_grows_deeper_without_changing_at_first(model, tmp_path):
    start = init_from(
        set_options({}, ["codec_conf.codec.content={dim: 4, channels: 8, blocks: 2, levels: 1}"]), str(model)
    )
    torch.nn.init.normal_(start.content_encoder.network.blocks[1].gamma)
    start.eval().save_pretrained(tmp_path / "two")
    deeper = init_from(set_options({}, ["codec_conf.codec.content={blocks: 4}"]), str(tmp_path / "two")).eval()
    wav = 0.1 * torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    assert len(deeper.content_encoder.network.blocks) == 4
    assert torch.equal(deeper.content(wav), start.content(wav))
    with pytest.raises(ValueError, match="`levels` to content that has none, or `blocks`"):
        init_from(set_options({}, ["codec_conf.codec.content={blocks: 1}"]), str(tmp_path / "two"))


def test_variants_are_trained_once_and_stand_in_one_table(corpus, tmp_path, capsys, monkeypatch):
    plan = {
        "common": {
            "trainer_conf": {"steps": 2, "batch_size": 2, "segment_length": 4800, "num_backgrounds": 1},
            "codec_conf": {"codec": TINY, "teacher": "logmel", "discriminator": {"windows": [256], "channels": 4}},
        },
        "variants": {
            "default": [],
            "no split": ["codec_conf.codec.split.learned=false"],
            "other": ["trainer_conf.steps=1"],
        },
    }
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    common = ["--data", str(corpus), "--out", str(tmp_path / "out"), "--config", str(tmp_path / "plan.yaml")]
    run_step("ablation", [*common, "--variants", "default", "no split"])
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert [line.split(" | ")[0].strip("| ") for line in table[2:]] == ["default", "no split"]
    weights = [torch.load(tmp_path / "out" / name / "checkpoint.pt")["objective"] for name in ("default", "no_split")]
    learned, fixed = (w["generator.codec.subspace.weight"].abs().sum() for w in weights)
    assert learned > 0 and fixed == 0
    monkeypatch.setattr(Trainer, "step", None)
    run_step("ablation", [*common, "--variants", "no split"])
    assert capsys.readouterr().out.splitlines()[-3:-1] == table[2:]
    with pytest.raises(ValueError, match="no variant 'nothing'"):
        run_step("ablation", [*common, "--variants", "nothing"])


@pytest.mark.parametrize(
    "codec", [TINY, {"split": {"name": "soft", "dim": 276}}], ids=["no target latents", "no halves"]
)
def test_a_codec_without_target_latents_cannot_be_pretrained(codec):
    with pytest.raises(ValueError, match="schedule.pretraining_steps must be 0"):
        Objective(codec=codec, teacher=None, schedule={"pretraining_steps": 10})


def test_the_config_of_the_content_encoder_fits_the_code(model):
    config = yaml.safe_load((Path(__file__).parents[2] / "conf/codec/content.yaml").read_text())
    init_from(config, str(model))
    objective = Objective(**{**config["codec_conf"], "teacher": "logmel"})
    assert objective.codec.content_encoder.dim == objective.generator.semantic.head.map[1].in_channels == 96
    TrainerOptions(**config["trainer_conf"]), Mixing(**config["mixing_conf"])


def test_every_variant_that_comes_with_the_package_can_be_built():
    plan = yaml.safe_load((Path(__file__).parents[2] / "conf/codec/ablation.yaml").read_text())
    for settings in plan["variants"].values():
        config = set_options(set_options(deepcopy(plan["common"]), ["codec_conf.teacher=logmel"]), settings)
        TrainerOptions(**config["trainer_conf"]), Mixing(**config["mixing_conf"]), Objective(**config["codec_conf"])
