"""Which codec passes over a set, and how; with the options that all programs share."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from espnet2_decodec.codec.decodec import DeCodec


@dataclass(frozen=True)
class Settings:
    """A codec and how it is used.

    Attributes:
        model: folder of the codec; None for the shipped one.
        speech_levels, background_levels: how many levels of each stream; None for all.
        device: such as cpu or cuda.
        content: how many levels of tokens of the content, in place of both streams; 0 for the streams.
    """

    model: str | None = None
    speech_levels: int | None = None
    background_levels: int | None = None
    device: str = "cpu"
    content: int = 0

    @classmethod
    def of(cls, args: argparse.Namespace) -> "Settings":
        """From parsed `add_options`."""
        return cls(args.model, args.speech_levels, args.background_levels, args.device, getattr(args, "content", 0))

    def codec(self) -> DeCodec:
        """The codec on its device, in eval mode.

        Raises:
            ValueError: if the model cannot be used, or does not have as many levels.
            FileNotFoundError: if there is no such folder.
        """
        codec = DeCodec.from_pretrained(self.model).to(self.device).eval()
        for name in ("speech", "background"):
            wanted, most = getattr(self, f"{name}_levels"), getattr(codec, f"{name}_levels")
            if wanted is not None and not 0 <= wanted <= most:
                raise ValueError(f"This codec has 0..{most} {name} levels, not {wanted}.")
        return codec

    def levels(self, codec: DeCodec) -> dict[str, int]:
        """How many levels of each stream there will be."""
        wanted = {"speech_levels": self.speech_levels, "background_levels": self.background_levels}
        return {name: getattr(codec, name) if value is None else value for name, value in wanted.items()}

    @property
    def name(self) -> str:
        """The model in words."""
        return self.model or "the shipped model"

    def describe(self, codec: DeCodec) -> str:
        """Size and bit rates in words."""
        size = sum(p.numel() for p in codec.parameters()) / 1e6
        speech, background = (f"{codec.kbps(levels):.2f} kbit/s" for levels in self.levels(codec).values())
        return f"{self.name}, {size:.1f} M parameters, {speech} of speech and {background} of background"


def add_options(parser: argparse.ArgumentParser) -> None:
    """--model, --speech_levels, --background_levels, --device and --nj."""
    parser.add_argument("--model", help="folder of the codec; the shipped one when left out")
    parser.add_argument("--speech_levels", type=int, help="levels of the speech stream; all when left out")
    parser.add_argument("--background_levels", type=int, help="levels of the background stream; all when left out")
    parser.add_argument("--device", default="cpu", help="of the codec, such as cuda")
    parser.add_argument("--nj", type=int, default=1, help="processes, of one thread each when there are several")


def run(program: Callable[[], None]) -> None:
    """Run a program; where an input cannot be used, end it with one line in place of a traceback."""
    try:
        program()
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"error: {error}") from None
