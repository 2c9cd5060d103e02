"""Short ids of trained codecs, stored with tokens to find the model that encoded them."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from espnet2_decodec.codec.config import DEFAULTS, complete
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.serialization import packaged_models, read_config, read_state_dict


def codec_id(codec: DeCodec) -> bytes:
    """Return 8 bytes that depend on the codebooks of both streams, the sample rate and the hop.

    Codebooks are rounded to float16, so that a codec saved in half precision keeps its id. The content encoder does not
    count: tokens are the same with and without it.
    """
    return _identity(codec.state_dict(), codec.sample_rate, codec.hop)


def folder_id(folder: Path) -> bytes:
    """The `codec_id` of the codec in a folder, from its files, without building the codec.

    Raises:
        FileNotFoundError, ValueError: if a file is missing or damaged.
    """
    config = complete(read_config(folder))
    hop = config["backbone"].get("hop", DEFAULTS["backbone"]["hop"])
    return _identity(read_state_dict(folder), config["sample_rate"], hop)


def packaged_codec(identity: bytes) -> Path | None:
    """The folder of the codec in the package with this `codec_id`: the first by name of several, None if there is none.

    Raises:
        FileNotFoundError, ValueError: if a file of a codec in the package is missing or damaged.
    """
    return next((folder for folder in packaged_models() if folder_id(folder) == identity), None)


def content_id(quantizer: ResidualVQ) -> bytes:
    """Return 8 bytes that depend on the codebooks of the content, rounded to float16."""
    return hashlib.sha256(_rounded([quantizer.codebooks])).digest()[:8]


def _identity(weights: Mapping[str, Tensor], sample_rate: int, hop: int) -> bytes:
    """The `codec_id` of a codec with these weights."""
    digest = hashlib.sha256(f"{sample_rate} {hop}".encode())
    for stream in ("speech", "background"):
        parts = "", "semantic.", "semantic.patches.", "parametric.", "parametric.patches.", "waveform."
        names = (f"{stream}_quantizer.{part}codebooks" for part in parts)
        codebooks = [weights[name] for name in names if name in weights]
        digest.update(f" {sum(map(len, codebooks))}".encode())
        digest.update(_rounded(codebooks))
    return digest.digest()[:8]


def _rounded(codebooks: Iterable[Tensor]) -> bytes:
    """The values in float16 of codebooks [K, N, D]."""
    return b"".join(codebook.detach().cpu().half().contiguous().numpy().tobytes() for codebook in codebooks)
