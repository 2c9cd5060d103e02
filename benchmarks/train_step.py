"""Seconds of one training step, generator and discriminator, on mixtures that are generated on the fly."""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from common import describe_machine, print_table

from espnet2_decodec.arguments import positive_float
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.options import TrainerOptions


def main() -> None:
    """Run the benchmark; see --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16, help="recordings of a batch")
    parser.add_argument("--seconds", type=positive_float, default=1.0, help="length of each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="timed steps, of which the median is taken")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--teacher", default="auto", help='semantic teacher, "none" for no guidance')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    times = {
        "generator alone (before the discriminator is used)": measure(args, None),
        "generator and discriminator": measure(args, 0),
    }
    rows = [[name, f"{wall:.2f}", f"{cpu:.2f}"] for name, (wall, cpu) in times.items()]
    print_table([f"step of {args.batch} x {args.seconds:g} s, quantized", "seconds", "CPU seconds"], rows)
    print(f"\n- device: {args.device}, {args.precision}, teacher: {args.teacher}, median of {args.steps}")
    print(describe_machine())


def measure(args: argparse.Namespace, adversarial: int | None) -> tuple[float, float]:
    """Median wall-clock and CPU seconds of a step with the default codec, mixing included."""
    teacher = None if args.teacher == "none" else args.teacher
    objective = Objective(teacher=teacher, schedule={"unquantized_steps": 0, "adversarial_start": adversarial}).train()
    length = int(args.seconds * objective.codec.sample_rate)
    options = TrainerOptions(batch_size=args.batch, segment_length=length, precision=args.precision)
    wall, cpu = [], []
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(objective, Mixing(), options, Path(folder), args.device)
        speech = 0.1 * torch.randn(args.batch, length, device=args.device)
        background = 0.1 * torch.randn(args.batch, options.num_backgrounds, length, device=args.device)
        for _ in range(args.steps + 1):
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            report = trainer.step(trainer.mixing(speech, background, trainer.random))
            float(report["loss"])
            wall.append(time.perf_counter() - wall_start)
            cpu.append(time.process_time() - cpu_start)
    return median(wall[1:]), median(cpu[1:])


if __name__ == "__main__":
    main()
