"""Seconds of one training step, generator and discriminator, on a batch of mixtures made on the fly."""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from common import table, where

from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.training.loop import Trainer, TrainerOptions
from espnet2_decodec.training.objective import Objective


def main() -> None:
    """Command line: see --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16, help="recordings of a batch")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="timed steps, the median counts")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--teacher", default="auto", help='semantic teacher, "none" for no guidance')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    times = {
        "generator alone (before the discriminator takes part)": measure(args, None),
        "generator and discriminator": measure(args, 0),
    }
    rows = [[name, f"{wall:.2f}", f"{cpu:.2f}"] for name, (wall, cpu) in times.items()]
    print(table([f"step of {args.batch} x {args.seconds:g} s, quantized", "seconds", "CPU seconds"], rows))
    print(f"\n- device: {args.device}, {args.precision}, teacher: {args.teacher}, median of {args.steps}")
    print(where())


def measure(args: argparse.Namespace, adversarial: int | None) -> tuple[float, float]:
    """Median seconds of a step with the default codec, mixing included: by the clock, and on all CPUs together."""
    teacher = None if args.teacher == "none" else args.teacher
    objective = Objective(teacher=teacher, schedule={"unquantized_steps": 0, "adversarial_start": adversarial}).train()
    length = int(args.seconds * objective.codec.sample_rate)
    options = TrainerOptions(batch_size=args.batch, segment_length=length, precision=args.precision)
    clock, processor = [], []
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(objective, Mixing(), options, Path(folder), args.device)
        speech = 0.1 * torch.randn(args.batch, length, device=args.device)
        background = 0.1 * torch.randn(args.batch, options.num_backgrounds, length, device=args.device)
        for _ in range(args.steps + 1):
            start, busy = time.perf_counter(), time.process_time()
            report = trainer.step(trainer.mixing(speech, background, trainer.random))
            float(report["loss"])
            clock.append(time.perf_counter() - start)
            processor.append(time.process_time() - busy)
    return median(clock[1:]), median(processor[1:])


if __name__ == "__main__":
    main()
