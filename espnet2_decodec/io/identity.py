"""A short name for a trained codec, by which tokens find their model."""

import hashlib
import json

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.pretrained.config import explicit


def codec_id(codec: DeCodec) -> bytes:
    """8 bytes made from the config and the codebooks.

    Codebooks count as rounded to float16, so a codec that was saved in half precision keeps its id.
    """
    digest = hashlib.sha256(json.dumps(explicit(codec), sort_keys=True).encode())
    for quantizer in (codec.speech_quantizer, codec.background_quantizer):
        digest.update(quantizer.codebooks.detach().cpu().half().numpy().tobytes())
    return digest.digest()[:8]
