"""Train the speech stream: `python -m research.tokens.train --start MODEL --bank BANK --out OUT`.

It resumes from the checkpoint in OUT if there is one. Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from research.tokens import checkpoint
from research.tokens.batches import BatchSampler
from research.tokens.settings import Settings
from research.tokens.trainer import Trainer


def main() -> int:
    """Train until the minutes of the settings, --steps, or a TERM signal (status 143); save either way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("train.yaml"))
    parser.add_argument("--start", type=Path, required=True, help="folder of a codec with a semantic level")
    parser.add_argument("--keep", action="store_true", help="go on with the codebooks and scales of a trained codec")
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--every", type=float, default=10.0, help="minutes between checkpoints")
    args = parser.parse_args()
    torch.set_num_threads(1)
    trainer, sampler = Trainer(Settings.read(args.config), args.start), BatchSampler(args.bank)
    settings = trainer.settings
    if checkpoint.exists(args.out):
        trainer.load_state(checkpoint.load(args.out))
        print(f"Resumed at step {trainer.step} of {args.out}", flush=True)
    elif not args.keep:
        trainer.initialize(sampler)
    args.out.mkdir(parents=True, exist_ok=True)
    stop: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    sums: dict[str, list[float]] = defaultdict(list)
    used, before, saved = time.process_time(), trainer.minutes, trainer.minutes
    with (args.out / "log.csv").open("a") as log:
        while not stop and trainer.minutes < settings.minutes and trainer.step < args.steps:
            batch = sampler.draw(settings.batch, settings.separated, settings.segment, trainer.random)
            for name, value in trainer.train_step(batch).items():
                sums[name].append(value)
            trainer.minutes = before + (time.process_time() - used) / 60
            if trainer.step % 50 == 0:
                means = " ".join(f"{name}={np.mean(values):.4f}" for name, values in sums.items())
                log.write(f"step={trainer.step} minutes={trainer.minutes:.2f} {means}\n")
                log.flush()
                sums.clear()
            if trainer.minutes - saved > args.every:
                checkpoint.save(args.out, trainer.state())
                saved = trainer.minutes
    checkpoint.save(args.out, trainer.state())
    trainer.ema.module.save_pretrained(args.out / "model", half=True, shard_megabytes=15)
    print(f"Saved at step {trainer.step}, {trainer.minutes:.1f} CPU minutes: {args.out / 'model'}", flush=True)
    return 128 + signal.SIGTERM if stop else 0


if __name__ == "__main__":
    sys.exit(main())
