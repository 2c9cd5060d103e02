"""Every config of conf/codec can be read, and names nothing that is not there."""

from copy import deepcopy
from pathlib import Path

import pytest

from espnet2_decodec.tasks.codec import DeCodecTask, sample_rate
from espnet2_decodec.tasks.schedule import complete
from espnet2_decodec.tasks.stock import stock_options
from espnet2_decodec.training.gan import GANDeCodec
from espnet2_decodec.training.mixing import Mixing
from espnet2_decodec.training.preprocessor import StemPreprocessor

CONFIGS = sorted(Path("conf/codec").glob("*.yaml"))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_fits_the_code(config):
    args = DeCodecTask.get_parser().parse_args(["--config", str(config)])
    assert sample_rate(args) == 16000
    Mixing(**args.mixing_conf)
    StemPreprocessor(train=False, **args.preprocessor_conf)
    complete(args)
    assert args.scheduler_conf["first_cycle_steps"] == args.max_epoch * args.num_iters_per_epoch + 1
    if args.codec != "decodec":
        stock_options(args.codec, args.codec_conf)
        return
    conf = deepcopy(args.codec_conf) | {"teacher": "logmel"}
    codec = GANDeCodec(**conf).codec
    assert codec.speech_levels and codec.background_levels


def test_a_config_that_changes_one_option_keeps_the_others():
    args = DeCodecTask.get_parser().parse_args(["--optim_conf", "lr=0.1", "--max_epoch", "2", "--num_iters_per_epoch", "5"])
    complete(args)
    assert args.optim_conf["lr"] == 0.1 and args.optim_conf["weight_decay"] == 1e-3
    assert args.scheduler_conf["max_lr"] == 0.1 and args.scheduler_conf["min_lr"] == pytest.approx(1e-3)
    args.num_iters_per_epoch, args.scheduler_conf = None, {}
    with pytest.raises(ValueError, match="Give num_iters_per_epoch"):
        complete(args)
