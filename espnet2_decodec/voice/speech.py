"""Speech as the voice model takes and gives it, from recordings and back to waveforms."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.streaming import BLOCK_FRAMES, LatentDecoder, LatentEncoder, rechunk
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.coordinates import zero_unvoiced


@dataclass(frozen=True)
class Speech:
    """The speech of one recording.

    Attributes:
        content: [T, S] semantic features, quantized or not.
        coordinates: [T, P] mel envelope, log f0 and voicing, as the codec codes them.
    """

    content: Tensor
    coordinates: Tensor


def semantic_parts(codec: DeCodec) -> tuple[SemanticMDCTBackbone, SemanticRVQ]:
    """Backbone and speech quantizer of a codec with a semantic level.

    Raises:
        ValueError: if it has none.
    """
    backbone, quantizer = codec.backbone, codec.speech_quantizer
    if not isinstance(backbone, SemanticMDCTBackbone) or not isinstance(quantizer, SemanticRVQ):
        raise ValueError("The voice model needs a codec with a semantic level, such as decodec-16k-semantic.")
    return backbone, quantizer


@torch.no_grad()
def analyze(codec: DeCodec, blocks: Iterable[Tensor]) -> Speech:
    """The speech in a recording, separated from its background and not quantized.

    Args:
        codec: with a semantic level.
        blocks: samples [l] in -1..1 at the codec's sample rate, in order.
    """
    backbone, _ = semantic_parts(codec)
    parts = [codec.subspace.split(latent.T[None])[0][0].T for latent in LatentEncoder(codec).encode(blocks)]
    speech = torch.cat(parts)
    first = backbone.content_dim
    return Speech(speech[:, :first], speech[:, first : first + backbone.parametric_dim])


def from_codes(codec: DeCodec, codes: Codes) -> Speech:
    """The speech of the tokens of one recording.

    Raises:
        ValueError: if the tokens lack the parametric levels.
    """
    backbone, quantizer = semantic_parts(codec)
    if codes.speech.shape[1] < codec.parametric_levels:
        raise ValueError(
            f"A voice needs the first {codec.parametric_levels} speech levels, not {codes.speech.shape[1]}."
        )
    latent = quantizer.decode(codes.speech[:, : codec.parametric_levels])[0].T
    return Speech(latent[:, : backbone.content_dim], latent[:, backbone.content_dim : quantizer.parametric_dim])


@torch.no_grad()
def synthesize(codec: DeCodec, speech: Speech, samples: int) -> Iterator[Tensor]:
    """Waveform of speech as blocks of samples [l], `samples` in total, with the codec's decoder.

    The semantic features are quantized, since the decoder knows no others.
    """
    _, quantizer = semantic_parts(codec)
    content = quantizer.semantic.decode(quantizer.semantic.encode(speech.content.T[None]))[0].T
    coordinates = torch.cat([content, zero_unvoiced(speech.coordinates)], dim=1)
    decoder = LatentDecoder(codec)
    decoder.expect(samples)
    background = coordinates.new_zeros(1, codec.background_quantizer.dim, 1)
    for block in rechunk([coordinates], BLOCK_FRAMES):
        latent = block.new_zeros(1, quantizer.dim, len(block))
        latent[0, : block.shape[1]] = block.T
        yield decoder.push(codec.subspace.merge(latent, background.expand(-1, -1, len(block)))[0].T)
    yield decoder.flush()
