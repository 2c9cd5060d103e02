"""The model and the number of levels that the options select."""

import os
from argparse import Namespace
from functools import cached_property
from pathlib import Path
from typing import TypedDict

import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import model_folder
from espnet2_decodec.io.dcd import Reader
from espnet2_decodec.io.identity import folder_id, packaged_codec


class Levels(TypedDict):
    """Number of levels of each stream as arguments of the codec, None for all."""

    speech_levels: int | None
    background_levels: int | None


def load_model(args: Namespace, *files: str, default: str | None = None) -> DeCodec:
    """Load the codec of --model on --device, and set the number of threads.

    Without --model it is the codec in the package that encoded the first .dcd file of `files`, or else the default.

    Args:
        args: of the command.
        files: inputs of the command.
        default: name of the default, None for that of `DeCodec.from_pretrained`.

    Raises:
        FileNotFoundError, ValueError: if the model, or this file, cannot be used.
    """
    set_threads()
    path = args.model or default
    tokens = next((file for file in files if Path(file).suffix.lower() == ".dcd" and Path(file).is_file()), None)
    if args.model is None and tokens is not None:
        path = _folder_of_tokens(Reader(tokens).header.codec_id, model_folder(path))
    return DeCodec.from_pretrained(path).to(args.device)


class CodecsOfTokens:
    """The codec of each .dcd file: that of --model, or without it the one in the package that encoded the file.

    Args:
        args: of the command.

    Raises:
        FileNotFoundError, ValueError, ImportError, OSError: if there is no such model, see `model_folder`.
    """

    def __init__(self, args: Namespace):
        set_threads()
        self._args, self._folder = args, model_folder(args.model)
        self._found: dict[bytes, DeCodec] = {}

    @cached_property
    def default(self) -> DeCodec:
        """The codec of --model, or the default; FileNotFoundError or ValueError if it cannot be loaded."""
        return self._load(self._folder)

    def __call__(self, identity: bytes) -> DeCodec:
        """The codec with this `codec_id`; the default, which refuses the file, if there is none."""
        if self._args.model is not None:
            return self.default
        if identity not in self._found:
            folder = _folder_of_tokens(identity, self._folder)
            self._found[identity] = self.default if folder == self._folder else self._load(folder)
        return self._found[identity]

    def _load(self, folder: Path) -> DeCodec:
        return DeCodec.from_pretrained(folder).to(self._args.device)


def _folder_of_tokens(identity: bytes, default: Path) -> Path:
    """The folder of the codec in the package with this `codec_id`; the default if it is its id, or if there is none."""
    return default if folder_id(default) == identity else packaged_codec(identity) or default


def set_threads() -> None:
    """Set the number of threads to that of the cores, at most 8, unless OMP_NUM_THREADS does."""
    if "OMP_NUM_THREADS" not in os.environ:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(min(8, cores))


def selects_levels(args: Namespace) -> bool:
    """Whether an option of `parser.add_levels` is given."""
    options = (f"{stream}_{unit}" for stream in ("speech", "background") for unit in ("levels", "kbps"))
    return any(getattr(args, option) is not None for option in options)


def check_only(args: Namespace) -> None:
    """Check that the options of `parser.add_levels` leave a level of the stream of --only.

    Raises:
        ValueError: if not.
    """
    for unit in ("levels", "kbps"):
        if args.only is not None and getattr(args, f"{args.only}_{unit}") == 0:
            raise ValueError(f"--only {args.only} is not possible with --{args.only}-{unit} 0.")


def selected_levels(args: Namespace, codec: DeCodec) -> Levels:
    """Return the numbers of levels that the options of `parser.add_levels` select.

    Raises:
        ValueError: if the model does not have this number of levels, or this bit rate, or --no-quantize excludes both.
    """
    counts: list[int | None] = []
    for stream in ("speech", "background"):
        count, kbps = getattr(args, f"{stream}_levels"), getattr(args, f"{stream}_kbps")
        if getattr(args, "no_quantize", False) and (count, kbps) != (None, None):
            option = f"--{stream}-{'levels' if kbps is None else 'kbps'}"
            raise ValueError(f"{option} is not possible with --no-quantize, which has neither levels nor a bit rate.")
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
