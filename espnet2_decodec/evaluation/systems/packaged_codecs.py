"""EnCodec and DAC through their own packages, with weights on this machine."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System, Unavailable
from espnet2_decodec.evaluation.systems.identity import hash_files, hash_source, versions

_CODE = "evaluation/systems/packaged_codecs.py"
ENCODEC_WEIGHTS = "encodec_24khz-d7cc33bc.th"


class EnCodec(System):
    """The 24 kHz model of EnCodec (Défossez et al., 2022): the decoded mixture, for every target.

    Args:
        kbps: 1.5, 3, 6, 12 or 24.
        folder: with its weights; None for the cache of torch.hub.

    Raises:
        ValueError: if the rate is another one.
        Unavailable: if the package is not installed, or the weights are missing.
    """

    sample_rate = 24000

    def __init__(self, kbps: float, folder: str | None = None):
        if kbps not in (1.5, 3, 6, 12, 24):
            raise ValueError(f"EnCodec takes 1.5, 3, 6, 12 or 24 kbit/s, not {kbps:g}.")
        self.versions, self.rate = versions("encodec", "torch"), kbps
        self.weights = Path(folder or Path(torch.hub.get_dir()) / "checkpoints") / ENCODEC_WEIGHTS
        if not self.weights.is_file():
            place = f"in {folder}" if folder else "in the cache of torch.hub"
            raise Unavailable(
                f"its weights {ENCODEC_WEIGHTS} are not {place}; with a network, "
                "encodec.EncodecModel.encodec_model_24khz() downloads them."
            )
        self.codec: Any = None

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> "EnCodec":
        """From KBPS and [FOLDER] of a spec."""
        if not 1 <= len(arguments) <= 2:
            raise ValueError(
                "EnCodec takes a bit rate in kbit/s and a folder of weights, as in encodec:3 or encodec:3:weights."
            )
        return cls(float(arguments[0]), *arguments[1:])

    def kbps(self, target: str) -> float:
        """The same for all targets."""
        return self.rate

    @property
    def frame_rate(self) -> float:
        """The product of the strides is 320."""
        return self.sample_rate / 320

    def identity(self) -> dict[str, str]:
        """Rate, weights, versions."""
        weights, code = hash_files([self.weights]), hash_source(_CODE)
        return {
            "kind": "encodec",
            "kbps": f"{self.rate:g}",
            "weights": weights,
            **self.versions,
            "code": code,
        }

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> the decoded mixture for every target."""
        if self.codec is None:
            from encodec import EncodecModel

            self.codec = EncodecModel.encodec_model_24khz(repository=self.weights.parent)
            self.codec.set_target_bandwidth(self.rate)
        return dict.fromkeys(("speech", "background", "mixture"), self.codec(wav[None, None])[0, 0])


class DAC(System):
    """The Descript Audio Codec (Kumar et al., 2023) from a file of weights: the decoded mixture, for every target.

    Args:
        path: file weights*.pth, or a folder with one.
        levels: codebooks to use; None for all.

    Raises:
        Unavailable: if the package is not installed, or the weights are missing.
    """

    def __init__(self, path: str, levels: int | None = None):
        self.versions = versions("descript-audio-codec", "torch")
        files = sorted(Path(path).glob("*.pth")) if Path(path).is_dir() else [Path(path)]
        if len(files) != 1 or not files[0].is_file():
            raise Unavailable(f"{path} is no file of weights, nor a folder with exactly one .pth file.")
        from dac import DAC as Model

        self.weights, self.levels = files[0], levels
        self.codec = Model.load(str(files[0])).eval()
        self.sample_rate = self.codec.sample_rate

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> "DAC":
        """From FOLDER and [LEVELS] of a spec."""
        if not 1 <= len(arguments) <= 2:
            raise ValueError(
                "DAC takes a folder of weights and a number of levels, as in dac:weights or dac:weights:4."
            )
        return cls(arguments[0], *map(int, arguments[1:]))

    def kbps(self, target: str) -> float:
        """The same for all targets."""
        bits = torch.tensor(float(self.codec.codebook_size)).log2().item()
        return (self.levels or self.codec.n_codebooks) * bits * self.sample_rate / self.codec.hop_length / 1000

    @property
    def frame_rate(self) -> float:
        """Of its strides."""
        return self.sample_rate / self.codec.hop_length

    def identity(self) -> dict[str, str]:
        """Levels, weights, versions."""
        weights, code = hash_files([self.weights]), hash_source(_CODE)
        return {
            "kind": "dac",
            "levels": str(self.levels),
            "weights": weights,
            **self.versions,
            "code": code,
        }

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> the decoded mixture for every target."""
        batch = self.codec.preprocess(wav[None, None], self.sample_rate)
        latent = self.codec.encode(batch, n_quantizers=self.levels)[0]
        return dict.fromkeys(("speech", "background", "mixture"), self.codec.decode(latent)[0, 0])
