"""Train the codec's decoder for the voice model too: `python -m research.voice.train_decoder --bank BANK --out OUT`.

Separation, coordinates, semantic level, prediction and codebooks stay, so tokens do not change. It resumes from the
checkpoint in OUT if there is one. Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import sys
from pathlib import Path

import torch
import yaml

from espnet2_decodec.codec.decodec import DeCodec
from research import training
from research.tokens.batches import BatchSampler
from research.voice.decoder_trainer import DecoderSettings, DecoderTrainer


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("decoder.yaml"))
    parser.add_argument("--start", default="decodec-16k-semantic", help="codec to start from")
    parser.add_argument("--voice-model", type=Path, help="folder of the voice model")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = DecoderSettings(**yaml.safe_load(args.config.read_text(encoding="utf-8")) or {})
    trainer = DecoderTrainer(settings, args.start, args.voice_model)
    sampler = BatchSampler(args.bank, DeCodec.from_pretrained(args.start).backbone)
    training.resume(trainer, args.out)
    size = settings.batch, settings.separated, settings.segment
    return training.run(trainer, lambda: sampler.draw(*size, trainer.random), args)


if __name__ == "__main__":
    sys.exit(main())
