"""Train the speech stream: `python -m research.tokens.train --config FILE --bank BANK --out OUT`.

It resumes from the checkpoint in OUT if there is one, else it starts from `--init FOLDER` of exported weights, if
given. Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import signal
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from research.tokens import checkpoint
from research.tokens.batches import BatchSampler
from research.tokens.settings import Settings
from research.tokens.trainer import Trainer


def main() -> None:
    """Train until --minutes or --steps or a TERM signal; save either way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--init", type=Path, help="folder of exported weights, from which a new training starts")
    parser.add_argument("--every", type=float, default=10.0, help="minutes between checkpoints")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings.read(args.config)
    trainer = Trainer(settings)
    if checkpoint.exists(args.out):
        trainer.load_state(checkpoint.load(args.out))
        print(f"Resumed at step {trainer.step} of {args.out}", flush=True)
    elif args.init is not None:
        trainer.init_from(args.init)
    args.out.mkdir(parents=True, exist_ok=True)
    sampler = BatchSampler(args.bank)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    log, sums = (args.out / "log.csv").open("a"), defaultdict(list)
    used, before, saved = time.process_time(), trainer.minutes, trainer.minutes
    while not stop and trainer.minutes < args.minutes and trainer.step < args.steps:
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
    print(f"Saved at step {trainer.step}, {trainer.minutes:.1f} CPU minutes; {asdict(settings)}", flush=True)


if __name__ == "__main__":
    main()
