"""Reading a codec from a folder."""

import json
import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.pretrained.saving import CONFIG, KIND, WEIGHTS

SHIPPED = Path(__file__).parent / "decodec-16k"
"""The folder of the model that comes with the package."""


def load(path: str | Path | None = None) -> DeCodec:
    """The codec saved in folder `path`, in float32, on the CPU, in eval mode.

    Args:
        path: a folder written by `save`; None for the model that comes with the package.

    Raises:
        FileNotFoundError: if the folder, its config.json or its weights are missing.
        ValueError: if a file is damaged, the config is not ours, or the weights are not those of the config.
    """
    folder = SHIPPED if path is None else Path(path)
    if path is None and not folder.is_dir():
        raise FileNotFoundError(
            "This installation comes without a trained model; give the folder of one, or train one "
            "(python -m espnet2_decodec.training, or the recipe in egs2/decodec)."
        )
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}; a model is a folder with {CONFIG} and {WEIGHTS}.")
    codec = _build(folder / CONFIG)
    weights = _read(folder)
    problems = _mismatches(codec.state_dict(), weights)
    if problems:
        raise ValueError(f"The weights in {folder} do not belong to its {CONFIG}: {'; '.join(problems)}.")
    codec.load_state_dict({name: tensor.to(codec.state_dict()[name].dtype) for name, tensor in weights.items()})
    return codec.eval()


def _build(path: Path) -> DeCodec:
    """A codec with random weights from a config.json."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path.name} in {path.parent}, so it is no model folder.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(content, dict) or content.get("kind") != KIND or not isinstance(content.get("codec"), dict):
        raise ValueError(f"{path} is not the config of a codec of this package.")
    if content.get("format") != 1:
        raise ValueError(
            f"{path} is of format {content.get('format')}, this version reads format 1; update the package."
        )
    try:
        return DeCodec.from_config(content["codec"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} does not describe a codec that this version can build: {error}.") from error


def _read(folder: Path) -> dict[str, Tensor]:
    """All weights of model.safetensors, or of its shards."""
    files = [folder / WEIGHTS]
    if not files[0].is_file():
        files = sorted(folder.glob("model-*-of-*.safetensors"))
        if not files:
            raise FileNotFoundError(f"There is no {WEIGHTS} in {folder}.")
        match = re.search(r"-of-(\d+)\.", files[0].name)
        count = int(match.group(1)) if match else len(files)
        wanted = [folder / f"model-{i:05d}-of-{count:05d}.safetensors" for i in range(1, count + 1)]
        missing = [f.name for f in wanted if f not in files]
        if missing:
            raise FileNotFoundError(f"There is no {', '.join(missing)} in {folder}.")
        files = wanted
    tensors = {}
    for file in files:
        try:
            tensors.update(load_file(file))
        except SafetensorError as error:
            raise ValueError(f"{file} is damaged or no safetensors file: {error}.") from None
    return tensors


def _mismatches(expected: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    """What is missing, what is too much and what has another shape, in words."""
    missing = sorted(set(expected) - set(found))
    extra = sorted(set(found) - set(expected))
    shapes = [
        f"{name} is {list(found[name].shape)} in place of {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name in found and found[name].shape != tensor.shape
    ]
    broken = [name for name, t in found.items() if t.is_floating_point() and not torch.isfinite(t).all()]
    lists = (
        ("missing", missing),
        ("unexpected", extra),
        ("of another shape", shapes),
        ("not finite", broken),
    )
    return [f"{what}: {_few(names)}" for what, names in lists if names]


def _few(names: list[str], most: int = 12) -> str:
    """A list that stays readable."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
