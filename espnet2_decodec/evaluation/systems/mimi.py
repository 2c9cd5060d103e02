"""Mimi through transformers, with weights from a folder."""

import math
from pathlib import Path

from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System, Unavailable
from espnet2_decodec.evaluation.systems.identity import hash_files, hash_source, versions


class Mimi(System):
    """Mimi (Défossez et al., 2024, arXiv 2410.00037) at 12.5 frames a second: the decoded mixture, for every target.

    Args:
        folder: with config.json and model.safetensors as transformers saves them.
        levels: of its quantizers to use, 1 to as many as there are; None for all.

    Raises:
        ValueError: if it has fewer levels.
        Unavailable: if transformers is not installed, or the folder has no weights.
    """

    def __init__(self, folder: str, levels: int | None = None):
        self.versions = versions("transformers", "torch")
        self.files = [Path(folder) / "config.json", Path(folder) / "model.safetensors"]
        if not all(path.is_file() for path in self.files):
            raise Unavailable(f"there are no config.json and model.safetensors of Mimi in {folder}.")
        from transformers import MimiModel

        self.codec = MimiModel.from_pretrained(folder, local_files_only=True).eval()
        available = self.codec.config.num_quantizers
        if not 1 <= (levels or available) <= available:
            raise ValueError(f"This Mimi has 1 to {available} levels, not {levels}.")
        self.sample_rate, self.levels = self.codec.config.sampling_rate, levels or available

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> "Mimi":
        """From FOLDER and [LEVELS] of a spec."""
        if not 1 <= len(arguments) <= 2:
            raise ValueError(
                "Mimi takes a folder of weights and a number of levels, as in mimi:weights or mimi:weights:8."
            )
        return cls(arguments[0], *map(int, arguments[1:]))

    def kbps(self, target: str) -> float:
        """The same for all targets."""
        config = self.codec.config
        return self.levels * math.log2(config.codebook_size) * config.frame_rate / 1000

    @property
    def frame_rate(self) -> float:
        """Of its config, 12.5 Hz."""
        return self.codec.config.frame_rate

    def identity(self) -> dict[str, str]:
        """Levels, weights, versions."""
        weights, code = hash_files(self.files), hash_source("evaluation/systems/mimi.py")
        return {"kind": "mimi", "levels": str(self.levels), "weights": weights, **self.versions, "code": code}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> the decoded mixture for every target."""
        codes = self.codec.encode(wav[None, None], num_quantizers=self.levels).audio_codes
        return dict.fromkeys(("speech", "background", "mixture"), self.codec.decode(codes).audio_values[0, 0])
