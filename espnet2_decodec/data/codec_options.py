"""The codec that processes a data set, and its numbers of levels."""

from dataclasses import dataclass

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.validation import check_levels


@dataclass(frozen=True)
class CodecOptions:
    """A codec and how it is used.

    Attributes:
        model: folder of the codec; None for the one in the package.
        speech_levels: number of levels of the speech stream; None for all.
        background_levels: number of levels of the background stream; None for all.
        device: such as cpu or cuda.
        content: number of levels of content tokens, in place of both streams; 0 for the streams.
    """

    model: str | None = None
    speech_levels: int | None = None
    background_levels: int | None = None
    device: str = "cpu"
    content: int = 0

    def load(self) -> DeCodec:
        """The codec on its device, in eval mode.

        Raises:
            ValueError: if the model cannot be used, or does not have as many levels.
            FileNotFoundError: if there is no such folder.
        """
        codec = DeCodec.from_pretrained(self.model).to(self.device).eval()
        self.levels(codec)
        return codec

    def levels(self, codec: DeCodec) -> dict[str, int]:
        """Number of levels of each stream.

        Raises:
            ValueError: if the codec does not have as many.
        """
        return {
            "speech_levels": check_levels(self.speech_levels, codec.speech_levels, "speech"),
            "background_levels": check_levels(self.background_levels, codec.background_levels, "background"),
        }

    @property
    def name(self) -> str:
        """Name of the model for messages."""
        return self.model or "the model in the package"

    def describe(self, codec: DeCodec) -> str:
        """Size and bit rates for messages."""
        size = sum(p.numel() for p in codec.parameters()) / 1e6
        speech, background = (f"{codec.kbps(levels):.2f} kbit/s" for levels in self.levels(codec).values())
        return f"{self.name}, {size:.1f} M parameters, {speech} of speech and {background} of background"
