"""ESPnet's trainers with progress in the log, a record of every epoch, and errors instead of silent failures."""

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

from espnet2_decodec.espnet.check_training import EPOCHS_FILE
from espnet2_decodec.espnet.safety import SafeTrainer


class DeCodecTrainer(SafeTrainer, GANTrainer):
    """Trainer of the codec task."""

    @classmethod
    def build_options(cls, args: Namespace):
        """Options of the trainer.

        Raises:
            ValueError: if an option does not work with alternating generator and discriminator steps.
        """
        if args.accum_grad > 1:
            raise ValueError("accum_grad must be 1 in GAN training; raise batch_size instead.")
        if args.ngpu > 1:
            raise ValueError("Several GPUs need one process each: give --multiprocessing_distributed true.")
        if args.distributed and args.skip_discriminator_prob > 0:
            raise ValueError(
                "skip_discriminator_prob must be 0 with several processes, which would skip different steps."
            )
        return super().build_options(args)

    @classmethod
    def train_one_epoch(cls, iterator, reporter, options, distributed_option, **others) -> bool:
        """One epoch of training.

        Raises:
            RuntimeError: if it had no steps, or no step with finite gradients.
        """
        invalid = super().train_one_epoch(
            iterator=EpochProgress(iterator, reporter, options.max_epoch),
            reporter=reporter,
            options=options,
            distributed_option=distributed_option,
            **others,
        )
        check_batches(reporter)
        _record(reporter, options, distributed_option)
        check_gradients(invalid, reporter)
        return invalid

    @classmethod
    def validate_one_epoch(cls, reporter, options, distributed_option, **others) -> None:
        """One pass over the validation set.

        Raises:
            RuntimeError: if it had no batches.
        """
        super().validate_one_epoch(reporter=reporter, options=options, distributed_option=distributed_option, **others)
        check_batches(reporter)
        _record(reporter, options, distributed_option)


class TTSTrainer(SafeTrainer):
    """Trainer of the text-to-speech task."""

    @classmethod
    def train_one_epoch(cls, iterator, reporter, options, **others) -> bool:
        """One epoch of training.

        Raises:
            RuntimeError: if it had no steps, or no step with finite gradients.
        """
        invalid = super().train_one_epoch(
            iterator=EpochProgress(iterator, reporter, options.max_epoch), reporter=reporter, options=options, **others
        )
        check_batches(reporter)
        check_gradients(invalid, reporter)
        return invalid

    @classmethod
    def validate_one_epoch(cls, reporter, **others) -> None:
        """One pass over the validation set.

        Raises:
            RuntimeError: if it had no batches.
        """
        super().validate_one_epoch(reporter=reporter, **others)
        check_batches(reporter)


class EpochProgress:
    """An iterator over batches that logs loss, speed and remaining time.

    Args:
        iterator: of batches.
        reporter: that the losses go to.
        epochs: of the whole training.
        log_interval: seconds between two lines.
    """

    def __init__(self, iterator, reporter: SubReporter, epochs: int, log_interval: float = 30.0):
        self.iterator, self.reporter, self.epochs, self.log_interval = iterator, reporter, epochs, log_interval

    def __len__(self) -> int:
        return len(self.iterator)

    def __iter__(self) -> Iterator:
        logged_at, logged_steps = time.monotonic(), 0
        for step, batch in enumerate(self.iterator):
            now = time.monotonic()
            if step and now - logged_at >= self.log_interval:
                logging.info(self.line(step, logged_steps, (now - logged_at) / (step - logged_steps)))
                logged_at, logged_steps = now, step
            yield batch

    def line(self, step: int, logged_steps: int, seconds: float) -> str:
        """The line after `step` steps, with the mean loss since `logged_steps`, at `seconds` per step."""
        epoch = self.reporter.get_epoch()
        loss = float(aggregate(self.reporter.stats["loss"][logged_steps:]))
        try:
            steps = len(self)
        except TypeError:
            return f"epoch {epoch}/{self.epochs}, step {step}: loss {loss:.3f}, {1 / seconds:.2f} steps/s"
        remaining = (steps - step, steps * (self.epochs - epoch + 1) - step)
        left = [timedelta(seconds=round(seconds * count)) for count in remaining]
        return (
            f"epoch {epoch}/{self.epochs}, step {step}/{steps}: loss {loss:.3f}, {1 / seconds:.2f} steps/s, "
            f"{left[0]} left in this epoch, {left[1]} in all"
        )


def check_batches(reporter: SubReporter) -> None:
    """Raise RuntimeError after an epoch without batches."""
    if reporter.count == 0:
        raise RuntimeError(
            f"Epoch {reporter.get_epoch()} had no {reporter.key} batches: the set is empty, or smaller than a batch, "
            "or its recordings are shorter than chunk_length."
        )


def check_gradients(invalid: bool, reporter: SubReporter) -> None:
    """Raise RuntimeError after an epoch without a single step with finite gradients."""
    if invalid:
        raise RuntimeError(
            f"No step of epoch {reporter.get_epoch()} had finite gradients: reduce the learning rate, or check the "
            "data."
        )


def _record(reporter: SubReporter, options, distributed_option) -> None:
    """Append the statistics of an epoch to EXP/epochs.jsonl."""
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
    with open(Path(options.output_dir) / EPOCHS_FILE, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
