"""Train the speech stream: `python -m research.tokens.train --start MODEL --bank BANK --out OUT`.

It resumes from the checkpoint in OUT if there is one. Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import sys
from pathlib import Path

import torch

from research import training
from research.tokens.batches import BatchSampler
from research.tokens.settings import Settings
from research.tokens.trainer import Trainer


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("train.yaml"))
    parser.add_argument("--start", type=Path, required=True, help="folder of a codec with a semantic level")
    parser.add_argument("--keep", action="store_true", help="go on with the codebooks and scales of a trained codec")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings.read(args.config)
    trainer, sampler = Trainer(settings, args.start), BatchSampler(args.bank)
    if not training.resume(trainer, args.out) and not args.keep:
        trainer.initialize(sampler)
    size = settings.batch, settings.mixed, settings.segment
    return training.run(trainer, lambda: sampler.draw(*size, trainer.random), args)


if __name__ == "__main__":
    sys.exit(main())
