"""Every training config of conf/codec can be read, and names nothing that is not there."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch

from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.data.preprocessor import StemPreprocessor
from espnet2_decodec.espnet.baseline_codecs import baseline_options
from espnet2_decodec.espnet.codec_task import OPTIMIZATION, DeCodecTask, sample_rate
from espnet2_decodec.espnet.gan_codec import GANDeCodec
from espnet2_decodec.espnet.optimization import complete_optimization

CONFIGS = sorted(Path("conf/codec").glob("train_*.yaml"))
PAPER = ("", "_1gpu", "_4gpu", "_8gpu")


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_fits_the_code(config):
    args = DeCodecTask.get_parser().parse_args(["--config", str(config)])
    assert sample_rate(args) == 16000
    Mixing(**args.mixing_conf)
    StemPreprocessor(train=False, **args.preprocessor_conf)
    complete_optimization(args, OPTIMIZATION)
    assert args.scheduler_conf["first_cycle_steps"] == args.max_epoch * args.num_iters_per_epoch // args.accum_grad + 1
    if args.codec != "decodec":
        baseline_options(args.codec, args.codec_conf)
        return
    conf = deepcopy(args.codec_conf) | {"teacher": "logmel"}
    codec = GANDeCodec(**conf).codec
    assert codec.speech_levels and codec.background_levels


def test_the_paper_s_training_is_the_same_on_any_number_of_gpus():
    paper, *others = (
        vars(DeCodecTask.get_parser().parse_args(["--config", f"conf/codec/train_decodec_paper{name}.yaml"]))
        for name in PAPER
    )
    for gpus, args in zip((1, 4, 8), others):
        changed = {name for name in args if args[name] != paper[name]}
        assert changed <= {"batch_size", "accum_grad", "num_iters_per_epoch", "num_workers", "precision", "config"}
        assert args["batch_size"] * args["accum_grad"] == 64 and args["batch_size"] % gpus == 0
        assert args["num_iters_per_epoch"] // args["accum_grad"] == paper["num_iters_per_epoch"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["soundstream", "encodec", "dac"])
def test_a_small_baseline_learns_with_all_its_weights_and_codes_at_its_rates(name):
    args = DeCodecTask.get_parser().parse_args(["--config", f"conf/codec/train_{name}_small.yaml"])
    torch.manual_seed(0)
    model = DeCodecTask.build_model(args)
    wav = 0.1 * torch.randn(1, 9600)
    for generator in (True, False):
        model(wav, forward_generator=generator)["loss"].backward()
    for part in (model.codec.generator, model.codec.discriminator):
        lost = [
            name for name, weight in part.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()
        ]
        assert not lost
    model.eval()
    for kbps, levels in ((2, 4), (4, 8), (8, 16)):
        codes = model.encode(wav[0], target_bw=float(kbps))
        assert codes.shape == (levels, 1, 30) and model.decode(codes).numel() == 9600


def test_a_config_that_changes_one_option_keeps_the_others():
    args = DeCodecTask.get_parser().parse_args(
        ["--optim_conf", "lr=0.1", "--max_epoch", "2", "--num_iters_per_epoch", "5"]
    )
    complete_optimization(args, OPTIMIZATION)
    assert args.optim_conf["lr"] == 0.1 and args.optim_conf["weight_decay"] == 1e-3
    assert args.scheduler_conf["max_lr"] == 0.1 and args.scheduler_conf["min_lr"] == pytest.approx(1e-3)
    args.num_iters_per_epoch, args.scheduler_conf = None, {}
    with pytest.raises(ValueError, match="Give num_iters_per_epoch"):
        complete_optimization(args, OPTIMIZATION)
