"""ESPnet's model of the codec task: stems in, losses out, nothing else."""

from typing import Any

from espnet2.gan_codec.espnet_model import ESPnetGANCodecModel
from torch import Tensor


class DeCodecESPnetModel(ESPnetGANCodecModel):
    """Like ESPnet's own, which drops all inputs but `audio`; this one hands the stems on.

    Args:
        codec: a `GANDeCodec`.
    """

    def forward(
        self,
        audio: Tensor,
        forward_generator: bool = True,
        speech: Tensor | None = None,
        background: Tensor | None = None,
        **_,
    ) -> dict[str, Any]:
        """See `GANDeCodec.forward`; the lengths that ESPnet adds are left aside, as all items are of one length."""
        return self.codec(audio, forward_generator, speech, background)

    def encode_continuous(self, audio: Tensor) -> Tensor:
        """audio [B, 1, L], [B, L] or [L] -> latent frames before splitting and quantization, [B, D, T]."""
        return self.codec.codec.latent(audio.reshape(-1, audio.shape[-1]))

    def decode_continuous(self, z: Tensor) -> Tensor:
        """z [B, D, T] -> wav [B, 1, T * hop]."""
        return self.codec.codec.synthesize(z)[:, None]
