"""Weights of the content encoder in content.safetensors.xz, in float16."""

import lzma
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 3, "lc": 0, "lp": 1, "pb": 1}]
"""For values of two bytes, of which the first is random and the second, with the exponent, is not."""


def save_content(state: dict[str, Tensor], folder: Path) -> Path:
    """Write the state of a `ContentEncoder` as float16."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "content.safetensors.xz"
    half = {name: tensor.detach().half().contiguous() for name, tensor in state.items()}
    path.write_bytes(lzma.compress(save(half), filters=FILTERS))
    return path


def load_content(path: Path) -> dict[str, Tensor]:
    """State of a `ContentEncoder` in float32, from an exported file or a content.pt of `train_content`."""
    if path.suffix == ".pt":
        return torch.load(path, weights_only=True)["encoder"]
    return {name: tensor.float() for name, tensor in load(lzma.decompress(path.read_bytes())).items()}
