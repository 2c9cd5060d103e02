"""Result of the codec's training pass."""

from dataclasses import dataclass

from torch import Tensor

from espnet2_decodec.codec.quantizer import QuantizedResult


@dataclass(frozen=True)
class Latents:
    """Output of `DeCodec.forward`: latents s [B, D_s, T] and b [B, D_b, T] before and after the quantizers."""

    speech: Tensor
    background: Tensor
    quantized_speech: QuantizedResult
    quantized_background: QuantizedResult
