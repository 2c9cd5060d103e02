"""What the ESPnet tasks and trainers share: one line for errors, ranks that end together, resuming."""

import math
import multiprocessing
import os
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from espnet2.train.trainer import Trainer
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException

from espnet2_decodec.data.config import parse_float
from espnet2_decodec.program import one_line, run_program, short_errors, stop_on_signals
from espnet2_decodec.training.checkpoint import read_checkpoint
from espnet2_decodec.training.ranks import watch_parent, watch_ranks

ADVICE = "Run the same command again to resume after the last complete epoch."


class SafeTask:
    """Mixin for tasks of ESPnet, before ESPnet's class."""

    @classmethod
    def get_parser(cls) -> ArgumentParser:
        """ESPnet's options; a wrong one ends the program with one line."""
        return short_errors(super().get_parser())  # type: ignore[misc]  # of ESPnet's class

    @classmethod
    def main(cls, args: Namespace | None = None, cmd: Sequence[str] | None = None) -> None:
        """Train, in this process or in several that end together.

        Raises:
            RuntimeError: if one of several processes failed; it has printed why.
        """
        try:
            super().main(args=args, cmd=cmd)  # type: ignore[misc]  # of ESPnet's class
        except (ProcessExitedException, ProcessRaisedException) as error:
            raise RuntimeError(f"A process of the training has ended: {one_line(error)}.") from error
        finally:
            for process in multiprocessing.active_children():
                if isinstance(process, multiprocessing.context.SpawnProcess):
                    process.terminate()

    @classmethod
    def main_worker(cls, args: Namespace) -> None:
        """Train in one process of one or several."""
        read_numbers(args)
        work = partial(super().main_worker, args)  # type: ignore[misc]  # of ESPnet's class
        if args.distributed:
            watch_parent()
            for number in (signal.SIGTERM, signal.SIGHUP):  # Python handlers wait for collective operations to end
                signal.signal(number, signal.SIG_DFL)
        if multiprocessing.parent_process() is None:
            work()
        else:
            run_program(work)


class SafeTrainer(Trainer):
    """ESPnet's trainer whose ranks end together, and which names damaged checkpoints."""

    @classmethod
    def run(cls, *args: Any, **options: Any) -> None:
        """Train; when another rank on this machine has ended, this process ends, too."""
        with watch_ranks():
            super().run(*args, **options)

    @staticmethod
    def resume(checkpoint: str | Path, *args: Any, **options: Any) -> None:
        """Load a checkpoint.

        Raises:
            ValueError: if it is damaged or of another model; the message names the last weights that are whole.
        """
        try:
            Trainer.resume(checkpoint, *args, **options)
        except Exception as error:  # torch and pickle raise many types for damaged files
            reason = "it is empty" if not os.path.getsize(checkpoint) else one_line(error)[:300].rstrip(".")
            raise ValueError(f"{checkpoint} cannot be resumed: {reason}. {_alternative(Path(checkpoint))}") from error


def run_task(task: type[SafeTask]) -> None:
    """Train a task with the arguments of the command line, and exit."""
    stop_on_signals()
    run_program(task.main, ADVICE)


def read_numbers(args: Namespace) -> None:
    """Convert numbers such as 5e-4, which ESPnet reads as strings, in all sections of a config, in place.

    Raises:
        ValueError: if a number is not finite.
    """
    for name, value in vars(args).items():
        if isinstance(value, dict):
            setattr(args, name, _numbers(value, name))


def _numbers(value: Any, place: str) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_numbers(item, place) for item in value)
    number = parse_float(value) if isinstance(value, str) else value
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"{place} must be a finite number, not {value}.")
    return number


def _alternative(checkpoint: Path) -> str:
    """Sentence with the last complete weights beside a checkpoint."""
    files = [path for path in checkpoint.parent.glob("*epoch.pth") if path.stem.removesuffix("epoch").isdigit()]
    for path in sorted(files, key=lambda path: -int(path.stem.removesuffix("epoch"))):
        try:
            read_checkpoint(path)
        except (ValueError, OSError):
            continue
        return (
            f"The last complete weights are {path}: remove {checkpoint}, and start from them with --init_param {path}."
        )
    return f"There are no complete weights of an epoch: remove {checkpoint} to train from the start."
