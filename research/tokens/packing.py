"""Compact tensors for checkpoints: three bytes per weight, one per moment of an optimizer and per averaged offset."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

Packed = dict[str, Any]


def pack24(x: Tensor) -> Packed:
    """float32 rounded to 16 bits of mantissa."""
    bits = x.detach().float().contiguous().numpy().view(np.uint32).reshape(-1).astype(np.uint64)
    rounded = ((bits + 0x80) >> 8).astype(np.uint32)
    return {"shape": tuple(x.shape), "bytes": torch.from_numpy(rounded.view(np.uint8).reshape(-1, 4)[:, :3].copy())}


def unpack24(packed: Packed) -> Tensor:
    """The inverse of `pack24`."""
    parts = packed["bytes"].numpy()
    bits = np.zeros((len(parts), 4), np.uint8)
    bits[:, 1:] = parts
    return torch.from_numpy(bits.reshape(-1).view(np.float32).reshape(packed["shape"]).copy())


def pack_linear(x: Tensor) -> Packed:
    """int8 with a scale for each row of the first dimension."""
    rows = x.detach().float().reshape(len(x), -1) if x.ndim else x.detach().float().reshape(1, 1)
    scale = rows.abs().amax(1, keepdim=True) / 127
    return {"shape": tuple(x.shape), "scale": scale, "bytes": (rows / scale.clamp(min=1e-30)).round().to(torch.int8)}


def unpack_linear(packed: Packed) -> Tensor:
    """The inverse of `pack_linear`."""
    return (packed["bytes"].float() * packed["scale"]).reshape(packed["shape"])


def pack_log(x: Tensor) -> Packed:
    """Values of at least 0 as uint8 of their logarithm; those below 1e-24 become 1e-24."""
    log = torch.log(x.detach().float().clamp(min=1e-24))
    low, high = float(log.min()), float(log.max())
    step = max(high - low, 1e-6) / 255
    return {"low": low, "step": step, "bytes": ((log - low) / step).round().to(torch.uint8)}


def unpack_log(packed: Packed) -> Tensor:
    """The inverse of `pack_log`."""
    return torch.exp(packed["bytes"].float() * packed["step"] + packed["low"])


def pack_optimizer(optimizer: torch.optim.Optimizer) -> Packed:
    """State of an Adam optimizer, one byte for each moment of each weight."""
    state = optimizer.state_dict()
    entries = {
        i: {"step": e["step"], "exp_avg": pack_linear(e["exp_avg"]), "exp_avg_sq": pack_log(e["exp_avg_sq"])}
        for i, e in state["state"].items()
    }
    return {"state": entries, "param_groups": state["param_groups"]}


def unpack_optimizer(packed: Packed) -> dict[str, Any]:
    """Unpack the state of an optimizer, for `load_state_dict`."""
    entries = {
        i: {"step": e["step"], "exp_avg": unpack_linear(e["exp_avg"]), "exp_avg_sq": unpack_log(e["exp_avg_sq"])}
        for i, e in packed["state"].items()
    }
    return {"state": entries, "param_groups": packed["param_groups"]}


def pack_module(module: torch.nn.Module, without: tuple[str, ...] = ()) -> Packed:
    """State of a module; names that begin with one of `without` are left out."""
    state = {name: value for name, value in module.state_dict().items() if not name.startswith(without or ("\0",))}
    return {name: pack24(value) if value.dtype == torch.float32 else value for name, value in state.items()}


def unpack_module(packed: Packed) -> dict[str, Tensor]:
    """Unpack the state of a module, for `load_state_dict`."""
    return {name: unpack24(value) if isinstance(value, dict) else value for name, value in packed.items()}
