"""A model as a folder: config.json and model.safetensors (or numbered shards); no pickle, no network."""

import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import Tensor, nn

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.codec.int8_weights import SCALE, dequantize_weights, quantize_weights
from espnet2_decodec.codec.validation import default_float32
from espnet2_decodec.hub import download, parse_name

Module = TypeVar("Module", bound=nn.Module)

CONFIG, WEIGHTS, KIND = "config.json", "model.safetensors", "espnet2_decodec"

KINDS = {
    KIND: "codec",
    "espnet2_decodec.voice": "voice model",
    "espnet2_decodec.text": "text model",
    "espnet2_decodec.tts": "text-to-speech model",
}
"""Kind in config.json -> name of such a model."""

PRETRAINED = Path(__file__).parents[1] / "pretrained"
"""Folder of the models that come with the package."""
DEFAULT_MODEL = PRETRAINED / "decodec-16k-semantic"


def save_model(
    folder: str | Path,
    config: dict,
    state_dict: dict[str, Tensor],
    half: bool = False,
    shard_megabytes: float | None = None,
    kind: str = KIND,
    int8: Collection[str] = (),
) -> None:
    """Write config.json and model.safetensors, replacing a model that the folder already holds.

    Args:
        folder: created if missing.
        config: JSON-serializable config of the model.
        state_dict: tensors on any device.
        half: store float16, half the size; `load_weights` gives float32 again. A tensor with
            values too large for float16 keeps its type.
        shard_megabytes: maximum size of one file. The weights are split into model-00001-of-0000N.safetensors, each
            with at least one tensor; None for one file.
        kind: of the model, which config.json names.
        int8: beginnings of the names of weights that are stored as int8, see `quantize_weights`.

    Raises:
        ValueError: if a weight is not finite.
    """
    folder = Path(folder)
    tensors = {}
    for name, tensor in quantize_weights(state_dict, int8).items():
        tensor = tensor.detach().cpu().contiguous().clone()
        if tensor.is_floating_point():
            if not torch.isfinite(tensor).all():
                raise ValueError(f"The weight {name} is not finite, so the model was not saved.")
            if half and not name.endswith(SCALE) and (tensor.abs() < torch.finfo(torch.float16).max).all():
                tensor = tensor.half()
        tensors[name] = tensor
    shards = _shards(tensors, shard_megabytes)
    names = [WEIGHTS]
    if len(shards) > 1:
        names = [f"model-{i:05d}-of-{len(shards):05d}.safetensors" for i in range(1, len(shards) + 1)]
    for name, shard in zip(names, shards):
        with atomic_write(folder / name) as path:
            path.write_bytes(serialize(shard, {"format": "pt"}))  # unlike save_file, this respects the umask
    with atomic_write(folder / CONFIG) as path:
        content = {"kind": kind, "format": 1, _section(kind): config}
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    for old in folder.glob("model*.safetensors"):
        if old.name not in names:
            old.unlink()


def model_folder(path: str | Path | None, revision: str | None = None, kinds: Collection[str] = (KIND,)) -> Path:
    """The folder of a model: `path` itself, or that of a model in the package or on the Hugging Face Hub.

    Args:
        path: a folder; or the name of a model in the package, None for the default; or owner/name on the Hub, also
            owner/name@revision.
        revision: branch, tag or commit of a model on the Hub.
        kinds: keys of `KINDS` that the caller can use; an error lists such models of the package.

    Raises:
        FileNotFoundError: if there is no such folder, or no such model.
        ValueError: if a revision is given for a folder.
        ImportError, OSError: if a model of the Hub cannot be downloaded, see `hub.download`.
    """
    folder = DEFAULT_MODEL if path is None else Path(path)
    if not folder.is_dir():
        folder = packaged_model(path) or folder
    remote = None if path is None or folder.is_dir() else parse_name(str(path))
    if remote is not None:
        return _downloaded(*remote, revision)
    if revision is not None:
        raise ValueError(f"A revision ({revision}) needs the name of a model on the Hugging Face Hub, not a folder.")
    if path is None and not folder.is_dir():
        raise FileNotFoundError(
            "This installation comes without a trained model; give the folder of one, or train one "
            "(python -m espnet2_decodec.training, or the recipe in egs2/decodec)."
        )
    if not folder.is_dir():
        names = " or ".join(folder.name for folder in packaged_models(kinds))
        raise FileNotFoundError(
            f"There is no folder {path}; a model is a folder with {CONFIG} and {WEIGHTS}, "
            + (f"one of the package ({names}), " if names else "")
            + "or owner/name on the Hugging Face Hub."
        )
    return folder


def _downloaded(name: str, in_name: str | None, revision: str | None) -> Path:
    """The folder of a model of the Hub; an error says that there is no local folder of this name either."""
    if in_name is not None and revision not in (None, in_name):
        raise ValueError(f"{name}@{in_name} and the revision {revision} contradict each other.")
    try:
        folder = download(name, revision or in_name)
    except (FileNotFoundError, ImportError) as error:
        raise type(error)(f"There is no folder {name}. {error}") from None
    missing = None if (folder / CONFIG).is_file() else CONFIG
    if missing is None:
        read_config(folder)
        missing = None if any(path.is_file() for path in folder.glob("model*.safetensors")) else WEIGHTS
    if missing is not None:
        raise FileNotFoundError(
            f"The copy of {name} in the cache has no {missing}: {name} is no model of this package, or its download "
            f"was interrupted and cannot be completed without a connection ({folder})."
        )
    return folder


def packaged_model(name: str | Path | None) -> Path | None:
    """The folder of the model in the package with this name, None if there is none."""
    folder = PRETRAINED / Path(name or "").name
    return folder if str(name) == folder.name and (folder / CONFIG).is_file() else None


def packaged_models(kinds: Collection[str] = (KIND,)) -> list[Path]:
    """The folders of the models in the package of some kinds, keys of `KINDS`, by name."""
    folders = (config.parent for config in PRETRAINED.glob(f"*/{CONFIG}"))
    return sorted(folder for folder in folders if model_kind(folder) in kinds)


def read_config(folder: Path, kind: str = KIND) -> dict:
    """The config of a model from config.json.

    Args:
        folder: of the model.
        kind: of the model, a codec by default.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if it is not the config of such a model in the format of this version.
    """
    content = _read_json(folder)
    section, found = _section(kind), content.get("kind")
    if found != kind and isinstance(found, str) and found in KINDS:
        raise ValueError(f"{folder} is a {KINDS[found]}, but a {KINDS.get(kind, kind)} is needed here.")
    if found != kind or not isinstance(content.get(section), dict):
        raise ValueError(f"{folder / CONFIG} is not the config of a {KINDS.get(kind, kind)} of this package.")
    if content.get("format") != 1:
        raise ValueError(
            f"{folder / CONFIG} has format {content.get('format')}, but this version reads format 1; update the "
            "package."
        )
    return content[section]


def load_model(folder: Path, kind: str, build: Callable[[dict], Module]) -> Module:
    """The model in a folder, in float32, on the CPU, in eval mode.

    Args:
        folder: of the model.
        kind: of the model.
        build: makes it from its config.

    Raises:
        FileNotFoundError: if config.json or the weights are missing.
        ValueError: if a file is damaged, or the config is not one of such a model.
    """
    config = read_config(folder, kind)
    try:
        with default_float32():
            model = build(config)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RuntimeError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        name = KINDS.get(kind, kind)
        problem = f"The config in {folder} does not describe a {name} that this version can build: {cause}."
        raise ValueError(problem) from error
    load_weights(model, folder)
    return model.eval()


def model_kind(folder: Path) -> str | None:
    """The kind of the model in a folder, one of `KINDS` or another string; None if there is none in its config.json.

    Raises:
        FileNotFoundError, ValueError: as in `read_config`.
    """
    kind = _read_json(folder).get("kind")
    return kind if isinstance(kind, str) else None


def _read_json(folder: Path) -> dict:
    """Content of config.json; empty if it is not an object."""
    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"There is no {CONFIG} in {folder}, so it is not a model folder.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    return content if isinstance(content, dict) else {}


def _section(kind: str) -> str:
    """The key of config.json under which the config of a model stands."""
    return "codec" if kind == KIND else "model"


def read_state_dict(folder: Path) -> dict[str, Tensor]:
    """All tensors of model.safetensors, or of its shards, in the types in which they are stored, but int8 as float32.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged, or scales do not fit their weights.
    """
    files = [folder / WEIGHTS]
    if not files[0].is_file():
        files = sorted(folder.glob("model-*-of-*.safetensors"))
        if not files:
            raise FileNotFoundError(f"There is no {WEIGHTS} in {folder}.")
        match = re.search(r"-of-(\d+)\.", files[0].name)
        count = int(match.group(1)) if match else len(files)
        expected = [folder / f"model-{i:05d}-of-{count:05d}.safetensors" for i in range(1, count + 1)]
        missing = [f.name for f in expected if f not in files]
        if missing:
            raise FileNotFoundError(f"There is no {', '.join(missing)} in {folder}.")
        files = expected
    tensors = {}
    for file in files:
        try:
            tensors.update(load_file(file))
        except SafetensorError as error:
            raise ValueError(f"{file} is damaged or not a safetensors file: {error}.") from None
    return dequantize_weights(tensors)


def load_weights(module: nn.Module, folder: Path) -> None:
    """Load the tensors of a folder into `module`, strictly.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged, or its tensors do not match the module; the message lists every mismatch.
    """
    expected, tensors = module.state_dict(), read_state_dict(folder)
    problems = _mismatches(expected, tensors)
    if problems:
        raise ValueError(f"The weights in {folder} do not match its {CONFIG}: {'; '.join(problems)}.")
    module.load_state_dict({name: tensor.to(expected[name].dtype) for name, tensor in tensors.items()})


def _mismatches(expected: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    """Missing and unexpected tensors, and tensors of another shape or with values that are not finite."""
    lists = {
        "missing": sorted(set(expected) - set(found)),
        "unexpected": sorted(set(found) - set(expected)),
        "of another shape": [
            f"{name} is {list(found[name].shape)} instead of {list(tensor.shape)}"
            for name, tensor in expected.items()
            if name in found and found[name].shape != tensor.shape
        ],
        "not finite": [name for name, t in found.items() if t.is_floating_point() and not torch.isfinite(t).all()],
    }
    return [f"{problem}: {_abbreviated(names)}" for problem, names in lists.items() if names]


def _abbreviated(names: list[str], limit: int = 12) -> str:
    """The names, at most `limit` of them."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _shards(tensors: dict[str, Tensor], megabytes: float | None) -> list[dict[str, Tensor]]:
    """Split the tensors, in order, into dicts of at most that size."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        size += tensor.nbytes
        if megabytes is not None and shards[-1] and size > megabytes * 2**20 - 2**16:
            shards.append({})
            size = tensor.nbytes
        shards[-1][name] = tensor
    return shards
