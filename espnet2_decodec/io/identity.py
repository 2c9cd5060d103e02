"""Short ids of trained codecs, stored with tokens to find the model that encoded them."""

import hashlib

from torch import Tensor

from espnet2_decodec.codec.content import ContentEncoder
from espnet2_decodec.codec.decodec import DeCodec


def codec_id(codec: DeCodec) -> bytes:
    """Return 8 bytes that depend on the codebooks of both streams, the sample rate and the hop.

    Codebooks are rounded to float16, so that a codec saved in half precision keeps its id. The content encoder does not
    count: tokens are the same with and without it.
    """
    digest = hashlib.sha256(f"{codec.sample_rate} {codec.hop}".encode())
    for quantizer in (codec.speech_quantizer, codec.background_quantizer):
        digest.update(f" {quantizer.levels}".encode())
        digest.update(_rounded(quantizer.level_codebooks()))
    return digest.digest()[:8]


def content_id(encoder: ContentEncoder) -> bytes:
    """Return 8 bytes that depend on the codebooks of a content encoder, rounded to float16.

    Raises:
        ValueError: if it has no codebooks.
    """
    if encoder.quantizer is None:
        raise ValueError("The content of this codec has no codebooks (`content.levels` of its config is 0).")
    return hashlib.sha256(_rounded(encoder.quantizer.level_codebooks())).digest()[:8]


def _rounded(codebooks: list[Tensor]) -> bytes:
    return b"".join(codebook.detach().cpu().half().contiguous().numpy().tobytes() for codebook in codebooks)
