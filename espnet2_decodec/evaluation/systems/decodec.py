"""The codec of this package at any pair of levels, or with the quantizers left out."""

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec import __version__
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import DEFAULT_MODEL
from espnet2_decodec.evaluation.systems.base import System
from espnet2_decodec.evaluation.systems.identity import digest, source
from espnet2_decodec.training.validation import reconstruct_unquantized

OPTIONS = "speech=N, background=N, levels=N (of both, or all that a stream has) and unquantized"


class DeCodecSystem(System):
    """Speech and background from the tokens of one stream each, the mixture from both.

    Args:
        model: folder of the codec; None for the one in the package.
        speech, background: levels of each stream; None for all. A stream with 0 levels is no answer.
        levels: at most so many of both, in place of these two.
        quantize: False leaves the quantizers out.

    Raises:
        ValueError, FileNotFoundError: if the model cannot be used, or has no such levels.
    """

    def __init__(
        self,
        model: str | None = None,
        speech: int | None = None,
        background: int | None = None,
        levels: int | None = None,
        quantize: bool = True,
    ):
        self.folder, self.quantize = DEFAULT_MODEL if model is None else Path(model), quantize
        if not self.folder.is_dir():
            raise FileNotFoundError(f"There is no folder {self.folder} with a codec.")
        self.files = digest(sorted(path for path in self.folder.iterdir() if path.suffix in (".json", ".safetensors")))
        self.codec = _load(self.folder, self.files)
        self.sample_rate = self.codec.sample_rate
        counts = (self.codec.speech_levels, self.codec.background_levels)
        if levels is not None:
            if not 0 <= levels <= max(counts):
                raise ValueError(f"The codec in {self.folder} has 0..{max(counts)} levels, not {levels}.")
            speech, background = (min(levels, count) for count in counts)
        self.levels = {}
        for stream, wanted in (("speech", speech), ("background", background)):
            most = getattr(self.codec, f"{stream}_levels")
            if wanted is not None and not 0 <= wanted <= most:
                raise ValueError(f"The codec in {self.folder} has 0..{most} {stream} levels, not {wanted}.")
            self.levels[stream] = most if wanted is None else wanted

    @classmethod
    def of(cls, arguments: list[str]) -> "DeCodecSystem":
        """From [MODEL] and [OPTIONS] of a spec, where options are separated by commas.

        Raises:
            ValueError: if an option is unknown.
        """
        folders = [part for part in arguments if part and not _is_options(part)]
        words = [word for part in arguments if _is_options(part) for word in part.split(",")]
        if len(folders) > 1:
            raise ValueError(f"A codec has one folder and its options are {OPTIONS}, not {' '.join(folders)}.")
        options: dict[str, int | bool] = {}
        for word in words:
            name, _, value = word.partition("=")
            if word == "unquantized":
                options["quantize"] = False
            elif name in ("speech", "background", "levels") and value.isdecimal():
                options[name] = int(value)
            else:
                raise ValueError(f"{word!r} is no option of decodec; there are {OPTIONS}.")
        if "levels" in options and len(options) > 1:
            raise ValueError("levels=N is of both streams: give no other option beside it.")
        if "quantize" in options and len(options) > 1:
            raise ValueError("Without quantizers there are no levels: give unquantized alone.")
        return cls(folders[0] if folders else None, **options)

    def kbps(self, target: str) -> float | None:
        """Of the stream that the target is decoded from, for the mixture of both."""
        if not self.quantize:
            return None
        levels = sum(self.levels.values()) if target == "mixture" else self.levels[target]
        return self.codec.kbps(levels)

    def identity(self) -> dict[str, str]:
        """The model's files, the code of the codec, and the levels."""
        return {
            "kind": "decodec",
            "model": self.files,
            "code": source("codec", "types.py", "evaluation/answers.py", "evaluation/systems/decodec.py"),
            "version": __version__,
            "torch": torch.__version__,
            "settings": f"{self.levels} {self.quantize}",
        }

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> [L] each."""
        codec, batch = self.codec, wav[None]
        if not self.quantize:
            stems = codec.separate(batch, quantize=False)
            return {
                "speech": stems.speech[0],
                "background": stems.background[0],
                "mixture": reconstruct_unquantized(codec, batch)[0],
            }
        codes = codec.encode(batch, None, self.levels["speech"], self.levels["background"])
        answers = {"mixture": codec.decode(codes)[0]}
        if self.levels["speech"]:
            answers["speech"] = codec.decode(codes, background=False)[0]
        if self.levels["background"]:
            answers["background"] = codec.decode(codes, speech=False)[0]
        return answers


@lru_cache(maxsize=1)
def _load(folder: Path, files: str) -> DeCodec:
    """The codec last asked for stays, as long as its files do: its levels are compared one after the other."""
    return DeCodec.from_pretrained(folder).eval()


def _is_options(part: str) -> bool:
    """Whether a part of a spec is a list of options and no folder."""
    return "=" in part or part == "unquantized"
