"""Writing a codec to a folder."""

import json
from pathlib import Path

import torch
from safetensors.torch import save as serialize
from torch import Tensor

from espnet2_decodec.atomic import replacing
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.pretrained.config import explicit

CONFIG, WEIGHTS, KIND = "config.json", "model.safetensors", "espnet2_decodec"


def save(codec: DeCodec, folder: str | Path, half: bool = False, shard_megabytes: float | None = None) -> None:
    """Write config.json and model.safetensors, in place of what lies there.

    Args:
        codec: any; training mode and device do not matter.
        folder: made if missing.
        half: store float16, half the size; `load` gives float32 again. A tensor with numbers too large for
            float16 stays as it is.
        shard_megabytes: split the weights into files model-00001-of-0000N.safetensors of that size at most,
            though each holds at least one tensor; None for one file.

    Raises:
        ValueError: if a weight is not finite.
    """
    folder = Path(folder)
    tensors = {}
    for name, tensor in codec.state_dict().items():
        tensor = tensor.detach().cpu().contiguous().clone()
        if tensor.is_floating_point():
            if not torch.isfinite(tensor).all():
                raise ValueError(f"The weight {name} is not finite, so this codec is broken and was not saved.")
            if half and tensor.abs().max() < torch.finfo(torch.float16).max:
                tensor = tensor.half()
        tensors[name] = tensor
    shards = _shards(tensors, shard_megabytes)
    names = [WEIGHTS]
    if len(shards) > 1:
        names = [f"model-{i:05d}-of-{len(shards):05d}.safetensors" for i in range(1, len(shards) + 1)]
    for name, shard in zip(names, shards):
        with replacing(folder / name) as path:
            path.write_bytes(serialize(shard, {"format": "pt"}))  # save_file would leave it unreadable to others
    with replacing(folder / CONFIG) as path:
        path.write_text(
            json.dumps({"kind": KIND, "format": 1, "codec": explicit(codec)}, indent=2) + "\n",
            encoding="utf-8",
        )
    for old in folder.glob("model*.safetensors"):
        if old.name not in names:
            old.unlink()


def _shards(tensors: dict[str, Tensor], megabytes: float | None) -> list[dict[str, Tensor]]:
    """The tensors in as many dicts as their sizes ask for."""
    shards, size = [{}], 0
    for name, tensor in tensors.items():
        size += tensor.nbytes
        if megabytes is not None and shards[-1] and size > megabytes * 2**20 - 2**16:
            shards.append({})
            size = tensor.nbytes
        shards[-1][name] = tensor
    return shards
