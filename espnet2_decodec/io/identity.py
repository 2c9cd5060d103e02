"""A short name for a trained codec, by which tokens find their model."""

import hashlib
import json

from espnet2_decodec.codec.content import ContentEncoder
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.quantizer import ResidualVQ


def codec_id(codec: DeCodec) -> bytes:
    """8 bytes made from the config and the codebooks.

    Codebooks count as rounded to float16, so a codec that was saved in half precision keeps its id. Content is no part of it:
    tokens are the same with and without.
    """
    config = {section: options for section, options in codec.resolved_config().items() if section != "content"}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for quantizer in (codec.speech_quantizer, codec.background_quantizer):
        digest.update(_rounded(quantizer))
    return digest.digest()[:8]


def content_id(encoder: ContentEncoder) -> bytes:
    """8 bytes made from the codebooks of a content encoder that has some, rounded to float16."""
    return hashlib.sha256(_rounded(encoder.quantizer)).digest()[:8]


def _rounded(quantizer: ResidualVQ) -> bytes:
    return quantizer.codebooks.detach().cpu().half().numpy().tobytes()
