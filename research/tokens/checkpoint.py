"""Checkpoints that resume exactly, in files of at most 16 MB."""

import io
import os
from pathlib import Path
from typing import Any

import torch

PART_BYTES = 15 * 2**20


def save(folder: Path, state: dict[str, Any], name: str = "checkpoint") -> None:
    """Write `state` as NAME.a.NNN or NAME.b.NNN files, in turns.

    The index NAME.parts is replaced last, so that an interrupted save leaves the checkpoint before it intact.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getbuffer()
    index = folder / f"{name}.parts"
    old = index.read_text().split() if index.exists() else []
    turn = "b" if old and ".a." in old[0] else "a"
    names = [f"{name}.{turn}.{i:03d}" for i in range(-(-len(data) // PART_BYTES))]
    for i, part in enumerate(names):
        (folder / part).write_bytes(data[i * PART_BYTES : (i + 1) * PART_BYTES])
    fresh = folder / f".{name}.parts"
    fresh.write_text("\n".join(names) + "\n")
    os.replace(fresh, index)
    for part in set(old) - set(names):
        (folder / part).unlink(missing_ok=True)


def load(folder: Path, name: str = "checkpoint") -> dict[str, Any]:
    """Read the state that `save` wrote."""
    data = b"".join((folder / part).read_bytes() for part in (folder / f"{name}.parts").read_text().split())
    return torch.load(io.BytesIO(data), weights_only=True)


def exists(folder: Path, name: str = "checkpoint") -> bool:
    """Whether the folder holds a checkpoint."""
    return (folder / f"{name}.parts").exists()
