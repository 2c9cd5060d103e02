"""ESPnet's model of the codec task: stems in, losses out."""

from typing import Any

from espnet2.gan_codec.espnet_model import ESPnetGANCodecModel
from torch import Tensor


class DeCodecESPnetModel(ESPnetGANCodecModel):
    """ESPnet's own model, but with the stems, which ESPnet drops, passed to the codec.

    Args:
        codec: a `GANDeCodec`.
    """

    def forward(
        self,
        audio: Tensor,
        forward_generator: bool = True,
        speech: Tensor | None = None,
        background: Tensor | None = None,
        part: tuple[int, int] = (0, 1),
        **_,
    ) -> dict[str, Any]:
        """See `GANDeCodec.forward`; the lengths that ESPnet adds are ignored, as all items have one length."""
        return self.codec(audio, forward_generator, speech, background, part)

    def encode_continuous(self, audio: Tensor) -> Tensor:
        """Latent frames before split and quantization: audio [B, 1, L], [B, L] or [L] -> [B, D, T]."""
        return self.codec.codec.latent(audio.reshape(-1, audio.shape[-1]))

    def decode_continuous(self, z: Tensor) -> Tensor:
        """Waveform of latent frames: z [B, D, T] -> [B, 1, T * hop]."""
        return self.codec.codec.synthesize(z)[:, None]
