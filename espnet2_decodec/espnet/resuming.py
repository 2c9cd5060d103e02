"""Resuming of ESPnet trainings: damaged and foreign checkpoints are named, with the last weights that are whole."""

import logging
import os
from pathlib import Path

import torch
from torch import nn

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.program import one_line
from espnet2_decodec.training.checkpoint import misfit, read_checkpoint


def damaged_checkpoint(path: Path, error: Exception, model: nn.Module) -> ValueError:
    """The error for a checkpoint.pth that cannot be resumed.

    Args:
        path: of the checkpoint.
        error: why.
        model: that is trained.
    """
    reason = "it is empty" if not os.path.getsize(path) else one_line(error)[:300].rstrip(".")
    return ValueError(f"{path} cannot be resumed: {reason}. {_alternative(path, model)}")


def check_epochs(folder: Path, epoch: int, model: nn.Module) -> None:
    """Check the weights of the epochs in a folder, which are averaged after the training.

    The weights of the last epoch are in the checkpoint as well, and are written again if they are damaged or missing.

    Args:
        folder: of the experiment.
        epoch: that was resumed.
        model: with its weights.

    Raises:
        ValueError: if the weights of another epoch are damaged.
    """
    last = folder / f"{epoch}epoch.pth"
    for path in sorted({*folder.glob("*epoch.pth"), last}):
        try:
            read_checkpoint(path)
        except (ValueError, FileNotFoundError) as error:
            if path != last:
                raise ValueError(
                    f"{path} is damaged: {error}. Restore it, or start another training with --init_param {last}."
                ) from error
            logging.warning("%s is damaged: %s; it is written again from checkpoint.pth.", path, one_line(error))
            with atomic_write(path) as temporary:
                torch.save(model.state_dict(), temporary)


def _alternative(checkpoint: Path, model: nn.Module) -> str:
    """Sentence with the last complete weights beside a checkpoint that fit the model."""
    files = [path for path in checkpoint.parent.glob("*epoch.pth") if path.stem.removesuffix("epoch").isdigit()]
    for path in sorted(files, key=lambda path: -int(path.stem.removesuffix("epoch"))):
        try:
            if not misfit(model.state_dict(), read_checkpoint(path)):
                return (
                    f"The last complete weights are {path}: remove {checkpoint}, and start from them with "
                    f"--init_param {path}."
                )
        except (ValueError, OSError):
            continue
    return f"There are no complete weights of an epoch: remove {checkpoint} to train from the start."
