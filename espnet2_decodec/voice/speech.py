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
        coordinates: [T, P] mel envelope, log f0 and voicing, the last two zero where a frame is unvoiced.
    """

    content: Tensor
    coordinates: Tensor


def has_semantic_level(codec: DeCodec) -> bool:
    """Whether a codec has a semantic level, as the voice model needs it."""
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
def analyze_blocks(codec: DeCodec, blocks: Iterable[Tensor]) -> Iterator[tuple[Speech, Tensor]]:
    """The speech in a recording in parts, each with its background [1, D_b, t]; arguments as in `analyze`."""
    backbone, _ = semantic_parts(codec)
    first = backbone.content_dim
    for latent in LatentEncoder(codec).encode(blocks):
        speech, background = codec.subspace.split(latent.T[None])
        coordinates = zero_unvoiced(speech[0, first : first + backbone.parametric_dim].T)
        yield Speech(speech[0, :first].T, coordinates), background


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
    coordinates = zero_unvoiced(latent[:, backbone.content_dim : quantizer.parametric_dim])
    return Speech(latent[:, : backbone.content_dim], coordinates)


@torch.no_grad()
def synthesize(codec: DeCodec, parts: Iterable[Speech], samples: int | None = None) -> Iterator[Tensor]:
    """Waveform of speech as blocks of samples [l], with the codec's decoder.

    The parts are decoded as one recording, so nothing is heard where they join. The semantic features are quantized,
    since the decoder knows no others.

    Args:
        codec: with a semantic level.
        parts: of the speech, in order.
        samples: number of samples in total; None for whole frames.
    """
    _, quantizer = semantic_parts(codec)
    decoder = LatentDecoder(codec)
    if samples is not None:
        decoder.expect(samples)
    dim, background_dim = quantizer.dim, codec.background_quantizer.dim
    frames = (torch.cat([part.content, zero_unvoiced(part.coordinates)], dim=1) for part in parts)
    for block in rechunk(frames, BLOCK_FRAMES):
        if samples is None:
            decoder.expect(len(block) * codec.hop)
        content, coordinates = block.T[None].tensor_split([quantizer.semantic_dim], dim=1)
        latent = block.new_zeros(1, dim, len(block))
        latent[:, : block.shape[1]] = torch.cat(
            [quantizer.semantic.decode(quantizer.semantic.encode(content)), coordinates], dim=1
        )
        background = block.new_zeros(1, background_dim, len(block))
        yield decoder.push(codec.subspace.merge(latent, background)[0].T)
    yield decoder.flush()
