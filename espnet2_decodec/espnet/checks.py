"""Checks of the options and files of an ESPnet training before it starts."""

import math
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from espnet2.tasks.abs_task import optim_classes, scheduler_classes
from espnet2.train.class_choices import ClassChoices

from espnet2_decodec.data.config import check_arguments
from espnet2_decodec.data.kaldi import Table, read_lines, read_table
from espnet2_decodec.io.audio import AudioReader
from espnet2_decodec.io.errors import FileError
from espnet2_decodec.progress import progress
from espnet2_decodec.training.checkpoint import read_checkpoint

MINIMA = {
    "accum_grad": 1,
    "batch_bins": 1,
    "batch_size": 1,
    "fold_length": 1,
    "keep_nbest_models": 1,
    "log_interval": 1,
    "max_epoch": 1,
    "ngpu": 0,
    "num_iters_per_epoch": 1,
    "num_workers": 0,
    "patience": 0,
    "seed": 0,
    "valid_batch_bins": 1,
    "valid_batch_size": 1,
}
"""Smallest value of options that are numbers."""

SIZED = ("sorted", "folded", "length", "numel")
"""Types of batches that depend on the lengths of utterances."""

PARTS = ("train", "valid")

MAX_OPENED = 2000
"""Recordings of a set that are opened before a training starts, evenly spread; others are checked when read."""


def check_options(args: Namespace, choices: Iterable[ClassChoices]) -> None:
    """Check the ranges of numbers, and the names and types of the options in all sections that describe classes.

    Args:
        args: options of a training.
        choices: of the task: an option NAME is the name of a class, NAME_conf has its arguments.

    Raises:
        ValueError: if an option is out of range, unknown, or of another type; the message names it.
    """
    for name, smallest in MINIMA.items():
        value = getattr(args, name)
        if value is not None and any(item < smallest for item in (value if isinstance(value, list) else [value])):
            raise ValueError(f"{name} must be at least {smallest}, not {value}.")
    if args.ngpu > torch.cuda.device_count():
        raise ValueError(f"ngpu is {args.ngpu}, but {torch.cuda.device_count()} GPUs can be used: give --ngpu 0.")
    if args.train_dtype != "float32":
        raise ValueError(f"train_dtype must be float32, not {args.train_dtype}.")
    for name, value in vars(args).items():
        _check_finite(value, name)
    for phase, _, mode in args.best_model_criterion:
        if phase not in PARTS or mode not in ("min", "max"):
            raise ValueError(f"best_model_criterion must be of (train|valid),NAME,(min|max), not {phase},_,{mode}.")
    classes = {choice.name: choice.classes for choice in choices}
    for suffix in ("", "2"):
        classes |= {f"optim{suffix}": optim_classes, f"scheduler{suffix}": scheduler_classes}
    for name, known in classes.items():
        if getattr(args, name, None) is not None:
            section = getattr(args, f"{name}_conf")
            given = {key: value for key, value in section.items() if value is not None}  # None: the default
            check_arguments(known[getattr(args, name)], given, f"{name}_conf")
    for suffix in ("", "2"):
        rate = getattr(args, f"optim{suffix}_conf", {}).get("lr", 1)
        if rate <= 0:
            raise ValueError(f"optim{suffix}_conf.lr must be above 0, not {rate}.")


def check_files(args: Namespace, sample_rate: int | None) -> None:
    """Check the tables of data, their ids, the sample rate of recordings, and weights to start from.

    Args:
        args: options of a training.
        sample_rate: Hz that recordings must have; None if another program resamples them.

    Raises:
        ValueError: if a file is missing, damaged, or does not fit the others; the message names it and the line.
    """
    for part in PARTS:
        files = getattr(args, f"{part}_data_path_and_name_and_type")
        if not files:
            raise ValueError(f"There are no data: give --{part}_data_path_and_name_and_type FILE,NAME,TYPE.")
        tables = [(kind, _read_table(path, kind)) for path, _, kind in files if kind in ("sound", "npy", "text")]
        shapes = [read_table(path) for path in getattr(args, f"{part}_shape_file")]
        if args.batch_type in SIZED and args.iterator_type == "sequence" and not args.collect_stats:
            if not shapes:
                raise ValueError(
                    f"batch_type {args.batch_type} needs --{part}_shape_file, written by --collect_stats true; or give"
                    " --batch_type unsorted."
                )
            for table in shapes:
                _check_shapes(table)
        keys = shapes + [table for _, table in tables]
        for table in keys[1:]:
            table.require(keys[0])
        for kind, table in tables:
            if kind == "sound":
                _check_recordings(table, list(keys[0]), sample_rate)
    for parameter in args.init_param:
        path = parameter.split(":")[0]
        try:
            read_checkpoint(path)
        except ValueError as error:
            raise ValueError(f"--init_param {path} cannot be loaded: {error}.") from error


def _read_table(path: str, kind: str) -> Table:
    """The ids of a table; a transcript may be empty."""
    if kind != "text" or not Path(path).is_file():
        return read_table(path)
    table = Table()
    table.path, table.lines = Path(path), {}
    for number, line in read_lines(path):
        key = line.split(maxsplit=1)[0]
        if key in table:
            raise ValueError(f"{path}, line {number}: {key} occurs twice, first in line {table.lines[key]}.")
        table[key], table.lines[key] = line, number
    return table


def _check_shapes(table: Table) -> None:
    """Raise ValueError if a line of a shape file does not hold integers with commas between them."""
    for key, value in table.items():
        if not all(number.isdecimal() for number in value.split(",")):
            raise ValueError(f"{table.path}, line {table.lines[key]}: {value!r} is not a shape such as 120,80.")


def _check_recordings(table: Table, keys: Sequence[str], sample_rate: int | None) -> None:
    """Raise ValueError if a recording does not exist, or one of at most `MAX_OPENED` cannot be used."""
    step = -(-len(keys) // MAX_OPENED)
    for index, key in enumerate(progress(keys, desc=f"checking {table.path}", unit="recordings")):
        if index % step == 0 or not Path(table[key]).is_file():
            _check_recording(table, key, sample_rate)


def _check_recording(table: Table, key: str, sample_rate: int | None) -> None:
    """Raise ValueError if a recording is missing, cut off, in no format of audio, or of another sample rate."""
    place, path = f"{table.path}, line {table.lines[key]}", table[key]
    try:
        found = AudioReader(path).source_rate
    except FileError as error:
        raise ValueError(f"{place}: {error}") from error
    if sample_rate not in (None, found):
        raise ValueError(f"{place}: {path} is at {found} Hz, but {sample_rate} Hz are needed: resample the recordings.")


def _check_finite(value: Any, place: str) -> None:
    """Raise ValueError if a number in a section is not finite."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_finite(item, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_finite(item, place)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place} must be a finite number, not {value}.")
