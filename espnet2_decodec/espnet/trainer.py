"""ESPnet's GAN trainer, with progress that can be read, a record of every epoch, and no silent failures."""

import json
import logging
import math
import time
from argparse import Namespace
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from espnet2.train.gan_trainer import GANTrainer
from espnet2.train.reporter import SubReporter, aggregate

RECORD = "epochs.jsonl"


class DeCodecTrainer(GANTrainer):
    """Trains as `GANTrainer` does; see the module's first line for what it adds."""

    @classmethod
    def build_options(cls, args: Namespace):
        """Options of the trainer.

        Raises:
            ValueError: if one asks for what the two turns of a GAN step cannot do.
        """
        if args.accum_grad > 1:
            raise ValueError("accum_grad must be 1: the two turns of a GAN step cannot be spread. Raise batch_size.")
        if args.ngpu > 1:
            raise ValueError("Several GPUs need one process each: give --multiprocessing_distributed true.")
        if args.distributed and args.skip_discriminator_prob > 0:
            raise ValueError("skip_discriminator_prob must be 0 with several processes: each would draw its own.")
        return super().build_options(args)

    @classmethod
    def train_one_epoch(cls, iterator, reporter, options, distributed_option, **others) -> bool:
        """One epoch of training.

        Raises:
            RuntimeError: if it had no steps, or no step with finite gradients.
        """
        invalid = super().train_one_epoch(
            iterator=Progress(iterator, reporter, options.max_epoch),
            reporter=reporter,
            options=options,
            distributed_option=distributed_option,
            **others,
        )
        _record(reporter, options, distributed_option)
        if invalid:
            raise RuntimeError(f"No step of epoch {reporter.get_epoch()} had finite gradients: training cannot go on.")
        return invalid

    @classmethod
    def validate_one_epoch(cls, reporter, options, distributed_option, **others) -> None:
        """One pass over the validation set.

        Raises:
            RuntimeError: if it had no batches.
        """
        super().validate_one_epoch(reporter=reporter, options=options, distributed_option=distributed_option, **others)
        _record(reporter, options, distributed_option)


class Progress:
    """An iterator over batches that logs, every half minute, how far the training is.

    Args:
        iterator: of batches.
        reporter: that the losses go to.
        epochs: of the whole training.
        every: seconds between two lines.
    """

    def __init__(self, iterator, reporter: SubReporter, epochs: int, every: float = 30.0):
        self.iterator, self.reporter, self.epochs, self.every = iterator, reporter, epochs, every

    def __len__(self) -> int:
        return len(self.iterator)

    def __iter__(self) -> Iterator:
        shown, since = time.monotonic(), 0
        for done, batch in enumerate(self.iterator):
            now = time.monotonic()
            if done and now - shown >= self.every:
                logging.info(self.line(done, since, (now - shown) / (done - since)))
                shown, since = now, done
            yield batch

    def line(self, done: int, since: int, seconds: float) -> str:
        """What to log after `done` steps, the first `since` of which were shown; the others took `seconds` each."""
        epoch = self.reporter.get_epoch()
        loss = float(aggregate(self.reporter.stats["loss"][since:]))
        try:
            steps = len(self)
        except TypeError:
            return f"epoch {epoch}/{self.epochs}, step {done}: loss {loss:.3f}, {1 / seconds:.2f} steps/s"
        left = [timedelta(seconds=round(seconds * n)) for n in (steps - done, steps * (self.epochs - epoch + 1) - done)]
        return (
            f"epoch {epoch}/{self.epochs}, step {done}/{steps}: loss {loss:.3f}, {1 / seconds:.2f} steps/s, "
            f"{left[0]} left in this epoch, {left[1]} in all"
        )


def _record(reporter: SubReporter, options, distributed_option) -> None:
    """Add a line to EXP/epochs.jsonl, or complain about an epoch of nothing."""
    if reporter.count == 0:
        raise RuntimeError(
            f"Epoch {reporter.get_epoch()} had no {reporter.key} batches: the set is empty, or smaller than a batch, "
            "or its recordings are shorter than chunk_length."
        )
    if distributed_option.distributed and distributed_option.dist_rank != 0:
        return
    means = {name: float(aggregate(values)) for name, values in reporter.stats.items()}
    line = {
        "epoch": reporter.get_epoch(),
        "phase": reporter.key,
        "batches": reporter.count,
        "steps": reporter.total_count,
        "seconds": round(time.perf_counter() - reporter.start_time, 3),
        **{name: value if math.isfinite(value) else None for name, value in means.items()},
    }
    with open(Path(options.output_dir) / RECORD, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
