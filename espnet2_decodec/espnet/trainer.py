"""ESPnet's trainers with progress in the log, a record of every epoch, and errors instead of silent failures."""

import json
import math
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from espnet2.train.gan_trainer import GANTrainer, GANTrainerOptions
from espnet2.train.reporter import Reporter, SubReporter, aggregate
from espnet2.train.trainer import Trainer
from espnet2.utils.build_dataclass import build_dataclass

from espnet2_decodec.data.config import suggestion
from espnet2_decodec.espnet.accumulation import StepBatches, StepModel
from espnet2_decodec.espnet.check_training import EPOCHS_FILE
from espnet2_decodec.espnet.epoch_progress import EpochProgress
from espnet2_decodec.espnet.resuming import check_epochs, damaged_checkpoint
from espnet2_decodec.training.options import PRECISIONS
from espnet2_decodec.training.ranks import watch_ranks


class SafeTrainer(Trainer):
    """ESPnet's trainer whose ranks end together, and which does not go on without steps, gradients or a criterion."""

    @classmethod
    def run(cls, *args: Any, **options: Any) -> None:
        """Train; when another rank on this machine has ended, this process ends, too."""
        with watch_ranks():
            super().run(*args, **options)

    @staticmethod
    def resume(checkpoint: str | Path, model: torch.nn.Module, reporter: Reporter, *args: Any, **options: Any) -> None:
        """Load a checkpoint.

        Raises:
            ValueError: if it is damaged or of another model; the message names the last weights that are whole.
        """
        path = Path(checkpoint)
        try:
            Trainer.resume(checkpoint, model, reporter, *args, **options)
        except Exception as error:  # torch and pickle raise many types for damaged files
            raise damaged_checkpoint(path, error, model) from error
        if not dist.is_initialized() or dist.get_rank() == 0:
            check_epochs(path.parent, reporter.get_epoch(), model)

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
        check_gradients(invalid, reporter)
        return invalid

    @classmethod
    def validate_one_epoch(cls, reporter, options, distributed_option, **others) -> None:
        """One pass over the validation set.

        Raises:
            RuntimeError: if it had no batches.
            ValueError: if it had no value by which the best model is chosen.
        """
        super().validate_one_epoch(reporter=reporter, options=options, distributed_option=distributed_option, **others)
        check_batches(reporter)
        check_criteria(options.best_model_criterion, reporter)


@dataclass
class DeCodecTrainerOptions(GANTrainerOptions):
    """ESPnet's options, and `precision`: fp32 or bf16."""

    precision: str


class DeCodecTrainer(SafeTrainer, GANTrainer):
    """Trainer of the codec task."""

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add the options of ESPnet's GAN trainer, and `--precision`."""
        super().add_arguments(parser)
        parser.add_argument(
            "--precision",
            choices=PRECISIONS,
            default="fp32",
            help="of the forward passes of the training; weights stay fp32",
        )

    @classmethod
    def build_options(cls, args: Namespace) -> DeCodecTrainerOptions:
        """Options of the trainer.

        Raises:
            ValueError: if an option does not work with alternating generator and discriminator steps.
        """
        if args.accum_grad > 1 and args.codec != "decodec":
            raise ValueError(f"accum_grad must be 1 with --codec {args.codec}, one of ESPnet's own codecs.")
        if args.precision == "bf16" and args.use_amp:
            raise ValueError("use_amp is float16: give either --use_amp true or --precision bf16.")
        if args.ngpu > 1:
            raise ValueError("Several GPUs need one process each: give --multiprocessing_distributed true.")
        if args.distributed and args.skip_discriminator_prob > 0:
            raise ValueError(
                "skip_discriminator_prob must be 0 with several processes, which would skip different steps."
            )
        return build_dataclass(DeCodecTrainerOptions, args)

    @classmethod
    def train_one_epoch(cls, iterator, reporter, options, distributed_option, **others) -> bool:
        """One epoch of training, recorded; errors as in `SafeTrainer`."""
        if options.accum_grad > 1 or options.precision == "bf16":
            iterator = StepBatches(iterator, options.accum_grad)
            others["model"] = StepModel(others["model"], others["scaler"], options.precision == "bf16")
        invalid = super().train_one_epoch(
            iterator=iterator,
            reporter=reporter,
            options=replace(options, accum_grad=1),  # ESPnet's trainer refuses more
            distributed_option=distributed_option,
            **others,
        )
        _record(reporter, options, distributed_option)
        return invalid

    @classmethod
    def validate_one_epoch(cls, reporter, options, distributed_option, **others) -> None:
        """One pass over the validation set, recorded; errors as in `SafeTrainer`."""
        super().validate_one_epoch(reporter=reporter, options=options, distributed_option=distributed_option, **others)
        _record(reporter, options, distributed_option)


def check_criteria(criteria: Sequence[Sequence[str]], reporter: SubReporter) -> None:
    """Raise ValueError after a validation that has none of the values by which the best model is chosen."""
    names = [name for phase, name, _ in criteria if phase == reporter.key]
    if len(names) == len(criteria) and not any(name in reporter.stats for name in names):
        raise ValueError(
            f"best_model_criterion: there is no value {names[0]!r} in validation. "
            f"{suggestion(names[0], list(reporter.stats))}"
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
