"""Short ids of trained codecs, stored with tokens to find the model that encoded them."""

import hashlib
from pathlib import Path

from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.serialization import packaged_models


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


def packaged_codec(identity: bytes) -> Path | None:
    """The folder of the codec in the package with this `codec_id`: the first by name of several, None if there is none.

    Raises:
        FileNotFoundError, ValueError: if a codec in the package cannot be loaded.
    """
    return next((path for path in packaged_models() if codec_id(DeCodec.from_pretrained(path)) == identity), None)


def content_id(quantizer: ResidualVQ) -> bytes:
    """Return 8 bytes that depend on the codebooks of the content, rounded to float16."""
    return hashlib.sha256(_rounded(quantizer.level_codebooks())).digest()[:8]


def _rounded(codebooks: list[Tensor]) -> bytes:
    return b"".join(codebook.detach().cpu().half().contiguous().numpy().tobytes() for codebook in codebooks)
