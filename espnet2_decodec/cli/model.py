"""The model and the number of levels that the options select."""

import os
from argparse import Namespace
from typing import TypedDict

import torch

from espnet2_decodec.codec.decodec import DeCodec


class Levels(TypedDict):
    """Number of levels of each stream as arguments of the codec, None for all."""

    speech_levels: int | None
    background_levels: int | None


def load_model(args: Namespace) -> DeCodec:
    """Load the codec of --model on --device, and set the number of threads.

    Raises:
        FileNotFoundError, ValueError: if the model cannot be used.
    """
    set_threads()
    return DeCodec.from_pretrained(args.model).to(args.device)


def set_threads() -> None:
    """Set the number of threads to that of the cores, at most 8, unless OMP_NUM_THREADS does."""
    if "OMP_NUM_THREADS" not in os.environ:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(min(8, cores))


def selected_levels(args: Namespace, codec: DeCodec) -> Levels:
    """Return the numbers of levels that the options of `parser.add_levels` select.

    Raises:
        ValueError: if the model does not have this number of levels, or this bit rate.
    """
    counts: list[int | None] = []
    for stream in ("speech", "background"):
        count, kbps = getattr(args, f"{stream}_levels"), getattr(args, f"{stream}_kbps")
        if kbps is not None:
            rates = [codec.kbps(k) for k in range(getattr(codec, f"{stream}_levels") + 1)]
            count = min(range(len(rates)), key=lambda k: abs(rates[k] - kbps))
            if abs(rates[count] - kbps) > 1e-3:
                raise ValueError(
                    f"--{stream}-kbps {kbps:g} is no bit rate of this model; "
                    f"use one of {', '.join(f'{r:.4g}' for r in rates)} kbit/s."
                )
        counts.append(count)
    speech, background = codec.check_levels(*counts)
    return Levels(speech_levels=speech, background_levels=background)
