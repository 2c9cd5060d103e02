"""Every config of conf/asr can be read, builds a model, and differs from the filter banks' by its frontend alone."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip("espnet2")

from espnet2.tasks.mt import MTTask  # noqa: E402

from espnet2_decodec.codec.decodec import DeCodec  # noqa: E402
from espnet2_decodec.espnet.asr_task import DeCodecASRTask  # noqa: E402

DISCRETE = sorted(Path("conf/asr").glob("train_asr_discrete*.yaml"))
CONFIGS = [path for path in sorted(Path("conf/asr").glob("train_asr_*.yaml")) if path not in DISCRETE]
OWN = {"frontend", "frontend_conf", "specaug_conf"}


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    """The folder of a small codec that has all that the configs ask for."""
    folder = tmp_path_factory.mktemp("codec")
    backbone = {"channels": 16, "encoder_blocks": 1, "decoder_blocks": 1, "envelope": 4}
    content = {"dim": 8, "channels": 8, "blocks": 1, "levels": 1, "codebook_size": 16}
    parts = {"split": {"speech_dim": 12, "background_dim": 12}, "content": content}
    DeCodec.from_config({"backbone": backbone, "quantizer": {"codebook_size": 16}, **parts}).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_builds_a_model(config, codec):
    args = DeCodecASRTask.get_parser().parse_args(
        ["--config", str(config), "--output_dir", "none", "--token_list", "none"]
    )
    args.token_list = ["<blank>", "<unk>", "a", "<sos/eos>"]
    if args.frontend == "decodec":
        args.frontend_conf = {**args.frontend_conf, "model": str(codec)}
    model = DeCodecASRTask.build_model(args)
    assert model.ctc_weight == 1.0 and sum(p.numel() for p in model.encoder.parameters()) < 4e6
    if args.num_iters_per_epoch:
        assert args.scheduler_conf["first_cycle_steps"] == args.max_epoch * args.num_iters_per_epoch + 1


@pytest.mark.parametrize("config", DISCRETE, ids=lambda path: path.stem)
def test_config_of_tokens_builds_a_model(config):
    args = MTTask.get_parser().parse_args(["--config", str(config), "--output_dir", "none", "--token_list", "none"])
    args.token_list = args.src_token_list = ["<blank>", "<unk>", "a", "<sos/eos>"]
    assert MTTask.build_model(args).ctc_weight == 0.9


def test_frontends_are_compared_with_all_else_equal():
    read = {path.stem.removeprefix("train_asr_"): yaml.safe_load(path.read_text()) for path in CONFIGS}
    fbank = read.pop("fbank")
    del read["mini"]
    assert len(read) >= 5
    for name, conf in read.items():
        assert {key for key in conf.keys() | fbank.keys() if conf.get(key) != fbank.get(key)} <= OWN, name
        masks = {"freq_mask_width_range": 0}
        assert conf["specaug_conf"] | masks == fbank["specaug_conf"] | masks, name
