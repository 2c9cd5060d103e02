"""ESPnet's own codecs, trained by this package's recipe on the same mixtures."""

import math
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System
from espnet2_decodec.evaluation.systems.identity import hash_files, hash_source, versions


class ESPnetCodec(System):
    """soundstream, encodec or dac of an experiment: the decoded mixture, for every target.

    Args:
        folder: of the experiment, with config.yaml, and valid.*.best.pth or else the last epoch's weights.
        kbps: target bit rate in kbit/s; None for the highest that it was trained for.

    Raises:
        ValueError: if the folder is no experiment, the codec is decodec, or the weights do not match.
        Unavailable: if espnet is not installed.
    """

    def __init__(self, folder: str, kbps: float | None = None):
        self.versions = versions("espnet", "torch")
        config, self.weights = Path(folder) / "config.yaml", _weights(Path(folder))
        from espnet2_decodec.espnet.codec_task import DeCodecTask, sample_rate

        model, args = DeCodecTask.build_model_from_file(config, self.weights)
        if args.codec == "decodec":
            raise ValueError(
                f"{folder} is a decodec: export it (decodec recipe export_codec), and name it decodec:FOLDER."
            )
        self.config, self.model, self.sample_rate = config, model.eval(), sample_rate(args)
        self.options = {} if kbps is None else {"target_bw": kbps}
        self.hop = math.prod(args.codec_conf["generator_params"]["encdec_ratios"])
        levels = len(self._encode(torch.zeros(self.sample_rate)))
        bits = math.log2(self.model.codec.generator.quantizer.bins)
        self.rate = levels * bits * self.sample_rate / self.hop / 1000

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> "ESPnetCodec":
        """From FOLDER and [KBPS] of a spec."""
        if not 1 <= len(arguments) <= 2:
            raise ValueError("Name the experiment and at most a bit rate, as in espnet:exp/dac or espnet:exp/dac:4.")
        return cls(arguments[0], *map(float, arguments[1:]))

    def kbps(self, target: str) -> float:
        """The rate of the tokens, the same for all targets."""
        return self.rate

    def identity(self) -> dict[str, str]:
        """The experiment's files, the rate, versions."""
        code = hash_source("evaluation/systems/espnet_codec.py", "espnet/checkpoint.py", "espnet/baseline_codecs.py")
        files = hash_files([self.config, self.weights])
        return {"kind": "espnet", "files": files, "kbps": f"{self.rate:g}", **self.versions, "code": code}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> the decoded mixture for every target; the input is padded to whole frames."""
        padded = torch.nn.functional.pad(wav, (0, -len(wav) % self.hop))
        decoded = self.model.decode(self._encode(padded)).reshape(-1)
        return dict.fromkeys(("speech", "background", "mixture"), decoded)

    @torch.no_grad()
    def _encode(self, wav: Tensor) -> Tensor:
        """[L] -> tokens [K, 1, T]."""
        return self.model.encode(wav, **self.options)


def _weights(folder: Path) -> Path:
    """The weights of the best epoch of an experiment, or of its last one."""
    if not (folder / "config.yaml").is_file():
        raise ValueError(f"{folder} is no experiment of ESPnet: it has no config.yaml.")
    best = sorted(folder.glob("valid.*.best.pth"))
    epochs = sorted(folder.glob("*epoch.pth"), key=lambda path: int(path.name.removesuffix("epoch.pth")))
    if not best and not epochs:
        raise ValueError(f"{folder} has no weights: neither valid.*.best.pth nor those of an epoch.")
    return best[0] if best else epochs[-1]
