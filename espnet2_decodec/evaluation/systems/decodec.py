"""The codec of this package at any pair of levels or without quantizers, and its ceiling, residual and control."""

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec import __version__
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import DEFAULT_MODEL, PRETRAINED, model_folder
from espnet2_decodec.codec.unseparated import unseparated_latent
from espnet2_decodec.evaluation.mixture_set import MixtureItem
from espnet2_decodec.evaluation.systems.base import System, fit_length, resample
from espnet2_decodec.evaluation.systems.identity import hash_files, hash_source
from espnet2_decodec.training.validation import reconstruct_unquantized
from espnet2_decodec.types import Codes

OPTIONS = "speech=N, background=N, levels=N (both, or all of a stream), unquantized, ceiling, residual and unseparated"


class DeCodecSystem(System):
    """Speech and background decoded from the codes of one stream each, mixture and remix from both.

    Args:
        model: folder of the codec; None for the one in the package.
        speech, background: levels of each stream; None for all. A stream with 0 levels gives no estimate.
        levels: at most so many of both, in place of these two.
        quantize: False leaves the quantizers out.

    Raises:
        ValueError, FileNotFoundError: if the model cannot be used, or has no such levels.
    """

    kind = "decodec"

    def __init__(
        self,
        model: str | None = None,
        speech: int | None = None,
        background: int | None = None,
        levels: int | None = None,
        quantize: bool = True,
    ):
        self.folder = DEFAULT_MODEL if model is None else model_folder(model)
        self.quantize, self.device = quantize, "cpu"
        if not self.folder.is_dir():
            raise FileNotFoundError(f"There is no folder {self.folder} with a codec.")
        files = sorted(path for path in self.folder.iterdir() if path.suffix in (".json", ".safetensors"))
        self.files_hash = hash_files(files)
        self.codec = _load_codec(self.folder, self.files_hash)
        self.sample_rate = self.codec.sample_rate
        available = {"speech": self.codec.speech_levels, "background": self.codec.background_levels}
        if levels is not None:
            max_levels = max(available.values())
            if not 0 <= levels <= max_levels:
                raise ValueError(f"The codec in {self.folder} has 0..{max_levels} levels, not {levels}.")
            speech, background = (min(levels, count) for count in available.values())
        self.levels = {}
        for stream, wanted in (("speech", speech), ("background", background)):
            if wanted is not None and not 0 <= wanted <= available[stream]:
                raise ValueError(
                    f"The codec in {self.folder} has 0..{available[stream]} {stream} levels, not {wanted}."
                )
            self.levels[stream] = available[stream] if wanted is None else wanted

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> "DeCodecSystem":
        """From [MODEL] and [OPTIONS] of a spec, where options are separated by commas.

        Raises:
            ValueError: if an option is unknown, or two of them exclude each other.
        """
        folders = [part for part in arguments if part and not _is_options(part)]
        words = [word for part in arguments if _is_options(part) for word in part.split(",")]
        if len(folders) > 1:
            raise ValueError(f"A codec has one folder, and its options are {OPTIONS}, not {' '.join(folders)}.")
        kinds = [_VARIANTS[word] for word in words if word in _VARIANTS]
        if len(kinds) > 1:
            raise ValueError(f"{', '.join(_VARIANTS)} exclude each other: give several systems.")
        counts: dict[str, int] = {}
        for word in words:
            name, _, value = word.partition("=")
            if name in ("speech", "background", "levels") and value.isdecimal():
                counts[name] = int(value)
            elif word not in _VARIANTS and word != "unquantized":
                raise ValueError(f"{word!r} is no option of decodec; there are {OPTIONS}.")
        if "levels" in counts and len(counts) > 1:
            raise ValueError("levels=N is for both streams: give no other number of levels beside it.")
        if "unquantized" in words and counts:
            raise ValueError("Without quantizers there are no levels: leave their number out.")
        kind = kinds[0] if kinds else cls
        return kind(folders[0] if folders else None, **counts, quantize="unquantized" not in words)

    def describe(self) -> str:
        """Where the model is, and its size."""
        size = sum(parameter.numel() for parameter in self.codec.parameters()) / 1e6
        packaged = self.folder.parent == PRETRAINED
        name = f"{self.folder.name} in the package" if packaged else str(self.folder)
        return f"{name}, {size:.1f} M parameters"

    def to(self, device: str) -> "DeCodecSystem":
        """Run the codec on another device; all systems of one model share its weights."""
        self.device = device
        self.codec.to(device)
        return self

    def kbps(self, target: str) -> float | None:
        """Bit rate of the streams that the target is decoded from."""
        if not self.quantize:
            return None
        levels = self.levels[target] if target in self.levels else sum(self.levels.values())
        return self.codec.kbps(levels)

    @property
    def frame_rate(self) -> float | None:
        """Of both streams; None without quantizers."""
        return self.codec.frame_rate if self.quantize else None

    def identity(self) -> dict[str, str]:
        """The model's files, the code of the codec, and the levels."""
        return {
            "kind": self.kind,
            "model": self.files_hash,
            "code": hash_source("codec", "types.py", "training/validation.py", "evaluation/systems/decodec.py"),
            "version": __version__,
            "torch": torch.__version__,
            "settings": f"{self.levels} {self.quantize}",
            "device": self.device,
        }

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> [L] each."""
        batch = wav[None].to(self.device)
        if not self.quantize:
            stems = self.codec.separate(batch, quantize=False)
            return {"speech": stems.speech[0], "background": stems.background[0], "mixture": self._reconstruct(batch)}
        codes = self._encode(batch)
        estimates = {"mixture": self.codec.decode(codes)[0]}
        if self.levels["speech"]:
            estimates["speech"] = self.codec.decode(codes, background=False)[0]
        if self.levels["background"]:
            estimates["background"] = self.codec.decode(codes, speech=False)[0]
        return estimates

    @torch.no_grad()
    def remix(self, item: MixtureItem, other: MixtureItem, sample_rate: int) -> Tensor | None:
        """The codes of both streams, each of another mixture, decoded together; None without quantizers."""
        if not self.quantize:
            return None
        wavs = [resample(mixture, sample_rate, self.sample_rate) for mixture in (item.mixture, other.mixture)]
        speech, background = (self._encode(wav[None].to(self.device)) for wav in wavs)
        remixed = self.codec.remix(speech, background)[0].cpu()
        return fit_length(resample(remixed, self.sample_rate, sample_rate), len(item.mixture))

    def _encode(self, batch: Tensor) -> Codes:
        """[1, L] -> codes at the levels of this system."""
        return self.codec.encode(batch, None, self.levels["speech"], self.levels["background"])

    def _reconstruct(self, batch: Tensor) -> Tensor:
        """[1, L] -> [L], decoded from both streams."""
        if self.quantize:
            return self.codec.decode(self._encode(batch))[0]
        return reconstruct_unquantized(self.codec, batch)[0]


class DeCodecCeiling(DeCodecSystem):
    """An upper bound of the stems: the clean stem alone, coded and decoded from both streams."""

    kind = "decodec ceiling"

    def kbps(self, target: str) -> float | None:
        """Bit rate of both streams."""
        return super().kbps("mixture")

    def estimate(self, item: MixtureItem, sample_rate: int) -> dict[str, Tensor]:
        """The reconstruction of each true stem."""
        stems = {"speech": item.speech, "background": item.background}
        return {target: self(wav, sample_rate)["mixture"] for target, wav in stems.items()}

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> its reconstruction [L]."""
        return {"mixture": self._reconstruct(wav[None].to(self.device))}

    def remix(self, item: MixtureItem, other: MixtureItem, sample_rate: int) -> None:
        """Not defined for a ceiling."""
        return None


class DeCodecResidual(DeCodecSystem):
    """The background as the mixture less the decoded speech, as a denoiser would give it."""

    kind = "decodec residual"

    def kbps(self, target: str) -> float | None:
        """Nothing is coded of a residual."""
        return None

    def __call__(self, mixture: Tensor, sample_rate: int) -> dict[str, Tensor]:
        """Mixture [L] -> background [L]."""
        estimates = super().__call__(mixture, sample_rate)
        return {"background": mixture - estimates["speech"]} if "speech" in estimates else {}

    def remix(self, item: MixtureItem, other: MixtureItem, sample_rate: int) -> None:
        """Not defined for a residual."""
        return None


class DeCodecUnseparated(DeCodecSystem):
    """A control: the mixture coded as if it were speech without background.

    Raises:
        ValueError: if the codec cannot encode without separation, or the quantizers are left out.
    """

    kind = "decodec unseparated"

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> speech [L]."""
        if not self.quantize:
            raise ValueError("Without separation and quantizers nothing is left of the codec: leave one option out.")
        batch = wav[None].to(self.device)
        lengths = torch.tensor([len(wav)], device=batch.device)
        codes = self.codec.quantize(unseparated_latent(self.codec, batch), lengths, self.levels["speech"], 0)
        return {"speech": self.codec.decode(codes)[0]}

    def remix(self, item: MixtureItem, other: MixtureItem, sample_rate: int) -> None:
        """Not defined without separation."""
        return None


_VARIANTS = {"ceiling": DeCodecCeiling, "residual": DeCodecResidual, "unseparated": DeCodecUnseparated}
"""Options of a spec that stand for another system of the same codec."""


@lru_cache(maxsize=1)
def _load_codec(folder: Path, files_hash: str) -> DeCodec:
    """The codec loaded last stays in memory as long as its files do not change: systems differ in levels mostly."""
    return DeCodec.from_pretrained(folder).eval()


def _is_options(part: str) -> bool:
    """Whether a part of a spec is a list of options and no folder."""
    return "=" in part or part.split(",")[0] in ("unquantized", *_VARIANTS)
