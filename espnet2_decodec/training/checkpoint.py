"""Checkpoints of the plain loop: the last one and the one before, which is used where the last one is damaged."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.program import one_line

log = logging.getLogger(__name__)

LAST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"


def save_checkpoint(state: dict[str, Any], folder: Path) -> None:
    """Write folder/checkpoint.pt; the one that it replaces is kept as checkpoint.previous.pt."""
    with atomic_write(folder / LAST) as temporary:
        with open(temporary, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        if (folder / LAST).exists():
            (folder / LAST).replace(folder / PREVIOUS)


def load_checkpoint(folder: Path, check: Callable[[dict], None]) -> dict[str, Any] | None:
    """The last checkpoint in a folder, or the one before if that is damaged; None if there is none.

    Args:
        folder: of the training.
        check: function that raises an error if a checkpoint cannot be resumed.

    Raises:
        ValueError: if there are checkpoints, but none can be resumed.
    """
    problems = []
    for path in (folder / LAST, folder / PREVIOUS):
        if not path.exists():
            continue
        try:
            state = read_checkpoint(path)
            check(state)
        except Exception as error:
            reason = f"it has no {error.args[0]}" if isinstance(error, KeyError) else one_line(error).rstrip(".")
            problems.append(f"{path} cannot be resumed: {reason}")
            continue
        for problem in problems:
            log.warning("%s; %s is resumed.", problem, path)
        return state
    if problems:
        raise ValueError(f"{'; '.join(problems)}. Give another folder, or remove the file to train from the start.")
    return None


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """The content of a file of torch.save.

    Raises:
        ValueError: if it is empty, cut off, or not of torch.save.
        OSError: if it cannot be opened.
    """
    size = os.path.getsize(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # torch and pickle raise many types for damaged files
        raise ValueError(
            "it is empty" if not size else f"it is damaged, or not of torch.save ({size} bytes)"
        ) from error
    if not isinstance(state, dict):
        raise ValueError("it holds no named values")
    return state


def misfit(expected: Mapping[str, Tensor], weights: Mapping[Any, Any]) -> str:
    """Difference of weights from those expected: missing, unexpected, or of another kind or shape; "" if they fit."""
    both = sorted(expected.keys() & weights.keys())
    tensors = [name for name in both if _is_alike(expected[name], weights[name])]
    problems = {
        "missing": sorted(expected.keys() - weights.keys()),
        "unexpected": sorted(map(str, weights.keys() - expected.keys())),
        "of another type": [name for name in both if name not in tensors],
        "of another shape": [name for name in tensors if expected[name].shape != weights[name].shape],
    }
    return "; ".join(f"{len(names)} {problem} ({', '.join(names[:5])})" for problem, names in problems.items() if names)


def _is_alike(tensor: Tensor, value: Any) -> bool:
    """Whether a value is a tensor of real floats, or of other numbers, as another tensor is."""
    return isinstance(value, Tensor) and value.is_floating_point() == tensor.is_floating_point()
