"""Train the semantic level: `python -m research.tokens.train_semantic --start CODEC --bank FEATURES --out OUT`.

FEATURES is the folder of `prepare_semantic`. The semantic encoder and the codebook of level 1 of the codec are trained,
everything else is kept. It resumes from the checkpoint in OUT if there is one. Minutes are CPU minutes of the process,
of all sessions together.
"""

import argparse
import sys
from pathlib import Path

import torch

from research import training
from research.tokens.batches import SPEECH_WEIGHTS
from research.tokens.semantic_bank import SemanticBank
from research.tokens.semantic_trainer import SemanticTrainer, Settings


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("semantic.yaml"))
    parser.add_argument("--start", required=True, help="name or folder of a codec with a semantic level")
    args = parser.parse_args()
    torch.set_num_threads(1)
    bank = SemanticBank(args.bank, "speech_train", SPEECH_WEIGHTS)
    trainer = SemanticTrainer(Settings.read(args.config), args.start, bank.values["targets"].shape[1])
    if not training.resume(trainer, args.out):
        trainer.initialize(bank)
    return training.run(trainer, lambda: trainer.draw(bank), args, save_models=True)


if __name__ == "__main__":
    sys.exit(main())
