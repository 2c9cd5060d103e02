"""Every config of conf/asr builds a model, and that of the codec differs from filter banks by its frontend alone."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip("espnet2")

from espnet2.tasks.mt import MTTask  # noqa: E402

from espnet2_decodec.codec.decodec import DeCodec  # noqa: E402
from espnet2_decodec.espnet.asr_task import DeCodecASRTask  # noqa: E402
from espnet2_decodec.espnet.codec_features import FEATURES  # noqa: E402

DISCRETE = sorted(Path("conf/asr").glob("train_asr_discrete*.yaml"))
CONFIGS = [path for path in sorted(Path("conf/asr").glob("train_asr_*.yaml")) if path not in DISCRETE]
OVERRIDES = [
    line.removeprefix("#").split("  ")[1].split()
    for line in Path("conf/asr/train_asr_decodec.yaml").read_text().splitlines()
    if line.startswith("#   --frontend_conf")
]


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    """The folder of a small codec with all that the configs need."""
    folder = tmp_path_factory.mktemp("codec")
    backbone = {"channels": 16, "encoder_blocks": 1, "decoder_blocks": 1, "n_mels": 4}
    content = {"dim": 8, "channels": 8, "blocks": 1, "levels": 1, "codebook_size": 16}
    parts = {"split": {"speech_dim": 12, "background_dim": 12}, "content": content}
    DeCodec.from_config({"backbone": backbone, "quantizer": {"codebook_size": 16}, **parts}).save_pretrained(folder)
    return folder


def build(config, codec, *options):
    """The options and the model of a config with overrides."""
    args = DeCodecASRTask.get_parser().parse_args(
        ["--config", str(config), "--output_dir", "none", "--token_list", "none", *options]
    )
    args.token_list = ["<blank>", "<unk>", "a", "<sos/eos>"]
    if args.frontend == "decodec":
        args.frontend_conf = {**args.frontend_conf, "model": str(codec)}
    return args, DeCodecASRTask.build_model(args)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_builds_a_model(config, codec):
    args, model = build(config, codec)
    assert model.ctc_weight == 1.0 and sum(p.numel() for p in model.encoder.parameters()) < 4e6
    if args.num_iters_per_epoch:
        assert args.scheduler_conf["first_cycle_steps"] == args.max_epoch * args.num_iters_per_epoch + 1


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda words: words[1])
def test_overrides_in_the_comment_build_a_model(override, codec):
    args, model = build("conf/asr/train_asr_decodec.yaml", codec, *override)
    assert args.frontend_conf["cache"] == "2GB", "other options of the frontend are kept"
    assert model.frontend.features.name == override[1].removeprefix("feature=") in FEATURES
    assert len(OVERRIDES) == 6


@pytest.mark.parametrize("config", DISCRETE, ids=lambda path: path.stem)
def test_config_of_tokens_builds_a_model(config):
    args = MTTask.get_parser().parse_args(["--config", str(config), "--output_dir", "none", "--token_list", "none"])
    args.token_list = args.src_token_list = ["<blank>", "<unk>", "a", "<sos/eos>"]
    assert MTTask.build_model(args).ctc_weight == 0.9


def test_frontends_are_compared_with_all_else_equal():
    fbank, decodec = (
        yaml.safe_load(Path(f"conf/asr/train_asr_{name}.yaml").read_text()) for name in ("fbank", "decodec")
    )
    different = {key for key in decodec.keys() | fbank.keys() if decodec.get(key) != fbank.get(key)}
    assert different <= {"frontend", "frontend_conf", "specaug_conf"}
    masks = {"freq_mask_width_range": 0}
    assert decodec["specaug_conf"] | masks == fbank["specaug_conf"] | masks
