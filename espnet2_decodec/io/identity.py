"""Short ids of trained codecs, stored with tokens to find the model that encoded them."""

import hashlib
import json

from espnet2_decodec.codec.content import ContentEncoder
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.quantizer import ResidualVQ


def codec_id(codec: DeCodec) -> bytes:
    """Return 8 bytes that depend on the config and the codebooks.

    Codebooks are rounded to float16, so that a codec saved in half precision keeps its id. The content encoder does not
    count: tokens are the same with and without it.
    """
    config = {section: options for section, options in codec.resolved_config().items() if section != "content"}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for quantizer in (codec.speech_quantizer, codec.background_quantizer):
        digest.update(_rounded(quantizer))
    return digest.digest()[:8]


def content_id(encoder: ContentEncoder) -> bytes:
    """Return 8 bytes that depend on the codebooks of a content encoder, rounded to float16."""
    return hashlib.sha256(_rounded(encoder.quantizer)).digest()[:8]


def _rounded(quantizer: ResidualVQ) -> bytes:
    return quantizer.codebooks.detach().cpu().half().numpy().tobytes()
