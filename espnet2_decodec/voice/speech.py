"""Speech as input and output of the voice model: from recordings and tokens, and to waveforms."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.streaming import BLOCK_FRAMES, LatentEncoder, decode_coordinates, decode_parametric, rechunk
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.coordinates import zero_unvoiced


@dataclass(frozen=True)
class Speech:
    """The speech of one recording.

    Attributes:
        content: [T, S] semantic features, quantized or not.
        coordinates: [T, P] mel envelope, log f0 and voicing, the last two zero where a frame is unvoiced.
    """

    content: Tensor
    coordinates: Tensor


def has_semantic_level(codec: DeCodec) -> bool:
    """Whether a codec has a semantic level, which the voice model needs."""
    return isinstance(codec.backbone, SemanticMDCTBackbone) and isinstance(codec.speech_quantizer, SemanticRVQ)


def semantic_parts(codec: DeCodec) -> tuple[SemanticMDCTBackbone, SemanticRVQ]:
    """Backbone and speech quantizer of a codec with a semantic level.

    Raises:
        ValueError: if it has none.
    """
    backbone, quantizer = codec.backbone, codec.speech_quantizer
    if not isinstance(backbone, SemanticMDCTBackbone) or not isinstance(quantizer, SemanticRVQ):
        raise ValueError("The voice model needs a codec with a semantic level, such as decodec-16k-semantic.")
    return backbone, quantizer


def analyze(codec: DeCodec, blocks: Iterable[Tensor]) -> Speech:
    """The speech in a recording, separated from its background and not quantized.

    Args:
        codec: with a semantic level.
        blocks: samples [l] in -1..1 at the codec's sample rate, in order.
    """
    parts = [speech for speech, _ in analyze_blocks(codec, blocks)]
    return Speech(torch.cat([x.content for x in parts]), torch.cat([x.coordinates for x in parts]))


@torch.no_grad()
def analyze_blocks(
    codec: DeCodec, blocks: Iterable[Tensor], frames: int = BLOCK_FRAMES
) -> Iterator[tuple[Speech, Tensor]]:
    """The speech in a recording in parts of `frames`, each with its background [1, D_b, t]; see `analyze`."""
    backbone, _ = semantic_parts(codec)
    end = backbone.content_dim + backbone.parametric_dim
    for speech, background in LatentEncoder(codec).encode_streams(blocks, frames):
        yield _speech(codec, speech[0, :end].T), background


def from_codes(codec: DeCodec, codes: Codes) -> Speech:
    """The speech of the tokens of one recording.

    Raises:
        ValueError: if the codec has no semantic level, or the tokens lack the parametric levels.
    """
    return _speech(codec, decode_parametric(codec, codes))


def coded_parts(codec: DeCodec, codes: Codes, frames: int = BLOCK_FRAMES) -> Iterator[Speech]:
    """As `from_codes`, in parts of `frames`."""
    left, right = codec.speech_quantizer.context
    for start in range(0, codes.speech.shape[2], frames):
        first, end = max(start - left, 0), start + frames
        block = replace(
            codes, speech=codes.speech[..., first : end + right], background=codes.background[..., first : end + right]
        )
        part, inside = from_codes(codec, block), slice(start - first, end - first)
        yield Speech(part.content[inside], part.coordinates[inside])


def _speech(codec: DeCodec, latent: Tensor) -> Speech:
    """Leading coordinates [T, S + P] of the speech stream -> semantic features and coordinates."""
    content, coordinates = latent.tensor_split([semantic_parts(codec)[0].content_dim], dim=1)
    return Speech(content, zero_unvoiced(coordinates))


@torch.no_grad()
def synthesize(
    codec: DeCodec, parts: Iterable[Speech], samples: int | None = None, frames: int = BLOCK_FRAMES
) -> Iterator[Tensor]:
    """Waveform of speech as blocks of samples [l], by the decoder of the codec.

    The parts are decoded as one recording, without discontinuities between them. Their semantic features are quantized,
    since the decoder was trained with quantized ones only.

    Args:
        codec: with a semantic level.
        parts: of the speech, in order.
        samples: number of samples in total; None for whole frames.
        frames: number of frames that are decoded at a time.
    """
    quantizer = semantic_parts(codec)[1].semantic

    def quantized(block: Tensor) -> Tensor:
        content, coordinates = block.T[None].tensor_split([quantizer.dim], dim=1)
        return torch.cat([quantizer.decode(quantizer.encode(content)), coordinates], dim=1)[0].T

    latents = (torch.cat([part.content, zero_unvoiced(part.coordinates)], dim=1) for part in parts)
    return decode_coordinates(codec, map(quantized, rechunk(latents, frames)), samples=samples, frames=frames)
