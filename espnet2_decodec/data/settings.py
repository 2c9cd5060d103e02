"""Which codec passes over a set, and how."""

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
