"""Exported weights: a folder with codec-NN.safetensors.xz and content.safetensors.xz, all in float16."""

import lzma
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

MAX_BYTES = 16_000_000
PREFIX = "content."
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 3, "lc": 0, "lp": 1, "pb": 1}]
"""For values of two bytes, of which the first is random and the second, with the exponent, is not."""


def save_weights(state: dict[str, Tensor], folder: Path) -> list[Path]:
    """Write the state of a `TokenCodec` as float16, split below 15 MB, and the content encoder by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("codec-*.safetensors.xz"):
        old.unlink()
    paths = [save_content({k.removeprefix(PREFIX): v for k, v in state.items() if k.startswith(PREFIX)}, folder)]
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in sorted(state.items()):
        if name.startswith(PREFIX):
            continue
        half = tensor.detach().half().contiguous()
        if shards[-1] and size + 2 * half.numel() > MAX_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = half
        size += 2 * half.numel()
    for i, shard in enumerate(shards, start=1):
        paths.append(folder / f"codec-{i:02d}.safetensors.xz")
        _write(shard, paths[-1])
    return paths


def save_content(state: dict[str, Tensor], folder: Path) -> Path:
    """Write the state of a `ContentEncoder` as float16."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "content.safetensors.xz"
    _write({name: tensor.detach().half().contiguous() for name, tensor in state.items()}, path)
    return path


def load_content(path: Path) -> dict[str, Tensor]:
    """State of a `ContentEncoder` in float32, from an exported file or a content.pt of `train_content`."""
    if path.suffix == ".pt":
        return torch.load(path, weights_only=True)["encoder"]
    return {name: tensor.float() for name, tensor in _read(path).items()}


def load_weights(folder: Path) -> dict[str, Tensor]:
    """State of a `TokenCodec` in float32.

    Raises:
        FileNotFoundError: if the folder holds no exported codec.
    """
    files = sorted(folder.glob("codec-*.safetensors.xz"))
    if not files:
        raise FileNotFoundError(
            f"{folder} has no codec-*.safetensors.xz; write them with python -m research.tokens.export."
        )
    state = {PREFIX + name: tensor for name, tensor in load_content(folder / "content.safetensors.xz").items()}
    for path in files:
        state |= {name: tensor.float() for name, tensor in _read(path).items()}
    return state


def _write(tensors: dict[str, Tensor], path: Path) -> None:
    path.write_bytes(lzma.compress(save(tensors), filters=FILTERS))


def _read(path: Path) -> dict[str, Tensor]:
    return load(lzma.decompress(path.read_bytes()))
