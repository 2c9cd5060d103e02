"""What the training of a config costs: operations and memory of a measured step, and the time of all steps on GPUs.

    python benchmarks/cost.py --config conf/codec/train_decodec_paper_8gpu.yaml --gpus 8

The step is measured on the CPU with random recordings; a GPU's throughput is an assumption, see --tflops.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from common import describe_machine, print_table
from torch.utils.flop_counter import FlopCounterMode

from espnet2_decodec.arguments import positive_float
from espnet2_decodec.data.mixing import Batch, Mixing
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.options import TrainerOptions

HUBERT_GFLOP = 11.3
"""Of a second of audio through HuBERT base up to its ninth layer, two operations for each weight: 9 x 7.1 million
weights at 50 frames, and 7 convolutions of 512 channels with strides 5 x 2^6."""


def main() -> None:
    """Run the benchmark; see --help."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=2, help="segments of the measured step")
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--tflops", type=positive_float, default=312, help="peak of a GPU (default: A100, bfloat16)")
    parser.add_argument("--utilization", type=positive_float, nargs="+", default=[0.05, 0.2], help="shares of the peak")
    parser.add_argument("--hours", type=positive_float, default=700, help="of speech")
    args = parser.parse_args()
    torch.set_num_threads(1)
    config = yaml.safe_load(args.config.read_text())
    length = config.get("preprocessor_conf", {}).get("segment_length", 16000)
    batch, objective = measured_batch(args.batch, length), build(config)
    measured_seconds = args.batch * length / objective.codec.sample_rate
    operations, saved, seconds = measure(objective, batch)
    gflop = operations / measured_seconds / 1e9
    items = config["batch_size"] * config.get("accum_grad", 1)
    steps = config["num_iters_per_epoch"] * config["max_epoch"] // config.get("accum_grad", 1)
    audio = steps * items * length / objective.codec.sample_rate
    total = audio * (gflop + HUBERT_GFLOP) * 1e9
    rows = [
        ["parameters of generator and discriminator, millions", parameters(objective)],
        ["step on one core, float32, processor seconds per second of audio", f"{seconds / measured_seconds:.2f}"],
        ["operations of a step, GFLOP per second of audio", f"{gflop:.1f}"],
        ["operations of the teacher, GFLOP per second of audio", f"{HUBERT_GFLOP:.1f}"],
        ["saved for the backward pass, float32, MB per second of audio", f"{saved / measured_seconds / 1e6:.0f}"],
        ["mixing on one core, segments a second", f"{mixed_per_second(config, length):.0f}"],
        ["audio of all steps, hours", f"{steps:,} x {items} x {length / 16000:g} s = {audio / 3600:,.0f}"],
        ["passes over the speech", f"{audio / 3600:,.0f} / {args.hours:g} = {audio / 3600 / args.hours:.1f}"],
        [
            "operations of the training, EFLOP",
            f"{audio:,.0f} s x {gflop + HUBERT_GFLOP:.1f} GFLOP = {total / 1e18:.2f}",
        ],
    ]
    for share in args.utilization:
        hours = total / (args.tflops * 1e12 * share) / 3600
        rows.append(
            [
                f"at {share:.0%} of {args.tflops:g} TFLOP/s",
                f"{hours:.1f} GPU hours, {hours / args.gpus:.2f} h on {args.gpus}",
            ]
        )
        rows.append(["segments of speech in a second", f"{steps * items / hours / 3600 * args.gpus:,.0f}"])
    print_table(["", str(args.config)], rows)
    print(describe_machine())


def build(config: dict[str, Any]) -> Objective:
    """The model of a config in the costliest phase of its training, without a teacher."""
    conf = config["codec_conf"]
    schedule = {**conf.get("schedule", {}), "unquantized_steps": 0, "adversarial_start": 0}
    return Objective(**{**conf, "teacher": None, "schedule": schedule}).train()


def measured_batch(size: int, length: int) -> Batch:
    """Random stems."""
    torch.manual_seed(0)
    return Batch(0.1 * torch.randn(size, length), 0.05 * torch.randn(size, length))


def mixed_per_second(config: dict[str, Any], length: int, size: int = 16) -> float:
    """Segments that one core mixes in a second of processor time."""
    mixing, count = Mixing(**config.get("mixing_conf", {})), config["preprocessor_conf"].get("num_backgrounds", 3)
    speech, backgrounds = 0.1 * torch.randn(size, length), 0.1 * torch.randn(size, count, length)
    start = time.process_time()
    for _ in range(10):
        mixing(speech, backgrounds)
    return 10 * size / (time.process_time() - start)


def parameters(objective: Objective) -> str:
    """Millions of parameters."""
    parts = (objective.generator, objective.discriminator)
    return ", ".join(f"{sum(p.numel() for p in part.parameters()) / 1e6:.1f}" for part in parts)


def measure(objective: Objective, batch: Batch) -> tuple[int, int, float]:
    """Operations of a step, bytes that its generator keeps for the backward pass, and seconds of processor time.

    Layers of oneDNN are not counted, so that the step whose operations are counted does without them.
    """
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(objective, Mixing(), TrainerOptions(), Path(folder))
        with torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
            trainer.step(batch)
        sizes: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        weights = {p.untyped_storage().data_ptr() for p in objective.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            output = objective.generator_loss(batch)
        saved = sum(size for pointer, size in sizes.items() if pointer not in weights)
        del output
        start = time.process_time()
        trainer.step(batch)
        return counter.get_total_flops(), saved, time.process_time() - start


if __name__ == "__main__":
    main()
