"""Matrices of weights stored as int8 with one scale per row, a quarter of the size of float32."""

from collections.abc import Collection

import torch
from torch import Tensor

SCALE = ".int8_scale"
"""Suffix of the name under which the scales of a matrix are stored."""

MIN_VALUES = 4096
"""Smaller tensors are kept as they are."""


def quantize_weights(tensors: dict[str, Tensor], prefixes: Collection[str]) -> dict[str, Tensor]:
    """Replace the large matrices of some modules by int8 and float32 scales.

    Args:
        tensors: by name.
        prefixes: beginnings of the names of the modules.
    """
    stored = {}
    for name, tensor in tensors.items():
        large = tensor.is_floating_point() and tensor.ndim > 1 and tensor.numel() >= MIN_VALUES
        if not large or not name.startswith(tuple(prefixes)):
            stored[name] = tensor
            continue
        rows = tensor.float().flatten(1)
        scale = (rows.abs().amax(1) / 127).clamp(min=torch.finfo(torch.float32).tiny)
        stored[name] = torch.round(rows / scale[:, None]).to(torch.int8).view(tensor.shape)
        stored[name + SCALE] = scale
    return stored


def dequantize_weights(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `quantize_weights`, in float32; other tensors are kept as they are.

    Raises:
        ValueError: if the scales of a tensor do not fit it.
    """
    found = {name: tensor for name, tensor in tensors.items() if not name.endswith(SCALE)}
    for name, scale in tensors.items():
        if not name.endswith(SCALE):
            continue
        own = name.removesuffix(SCALE)
        values = found.get(own)
        if values is None or values.dtype != torch.int8 or scale.shape != values.shape[:1]:
            raise ValueError(f"The scales {name} do not fit the tensor {own}.")
        found[own] = values.float() * scale.view(-1, *[1] * (values.ndim - 1))
    return found
