"""Vocoder features of a recording (mel envelope, f0, voicing), and the synthesis from them."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.streaming import LatentEncoder, decode_coordinates, decode_parametric
from espnet2_decodec.types import Codes

VAD_THRESHOLD_DB = 30.0
"""A frame counts as speech when its level is at most this far below the loudest frame of the recording."""


@dataclass(frozen=True)
class VocoderFeatures:
    """The parametric coordinates of the speech in one recording.

    Attributes:
        envelope: [T, F] compressed mel envelope.
        pitch: [T, 2] log f0 and voicing.
        is_speech: [T] bool, frames with speech (voice activity detection by level).
        is_voiced: [T] bool, frames of speech with an f0.
        num_samples: length of the recording.
        semantic: [T, S] embeddings of the semantic tokens; S = 0 for a codec without them.
    """

    envelope: Tensor
    pitch: Tensor
    is_speech: Tensor
    is_voiced: Tensor
    num_samples: int
    semantic: Tensor

    @property
    def coordinates(self) -> Tensor:
        """Semantic embeddings, envelope and pitch, [T, S + F + 2], as the speech stream codes them."""
        return torch.cat([self.semantic, self.envelope, self.pitch], dim=1)


@torch.no_grad()
def extract_features(codec: DeCodec, blocks: Iterable[Tensor]) -> VocoderFeatures:
    """Unquantized vocoder features of the speech in one recording.

    Args:
        codec: with parametric levels.
        blocks: samples [l] in -1..1 at the codec's sample rate, in order.

    Raises:
        ValueError: if the codec has no parametric levels, or there are no samples.
    """
    parametric_backbone(codec)
    dim, encoder = codec.speech_quantizer.parametric_dim, LatentEncoder(codec)
    coordinates = torch.cat([speech[0, :dim].T for speech, _ in encoder.encode_streams(blocks)])
    return _features(codec, coordinates, len(coordinates) * codec.hop - encoder.missing)


def decode_features(codec: DeCodec, codes: Codes) -> VocoderFeatures:
    """Vocoder features of one recording, decoded from its parametric levels.

    Raises:
        ValueError: if the codec has no parametric levels, or the codes lack one of them.
    """
    parametric_backbone(codec)
    return _features(codec, decode_parametric(codec, codes), int(codes.lengths[0]))


def encode_background(codec: DeCodec, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
    """Unquantized background coordinates of one recording, as blocks [t, D_b]; arguments as in `extract_features`."""
    return (background[0].T for _, background in LatentEncoder(codec).encode_streams(blocks))


def synthesize(codec: DeCodec, features: VocoderFeatures, background: Iterable[Tensor] = ()) -> Iterator[Tensor]:
    """Waveform of unquantized vocoder features.

    Args:
        codec: that the features are of.
        features: of the speech.
        background: blocks [t, D_b] of background coordinates that are mixed in; silence after their end.

    Returns:
        Blocks of samples [l], `features.num_samples` in total.
    """
    return decode_coordinates(codec, [features.coordinates], background, features.num_samples)


def cycle_blocks(read: Callable[[], Iterable[Tensor]]) -> Iterator[Tensor]:
    """Repeat a sequence of blocks endlessly without holding it in memory.

    Args:
        read: function that starts the sequence anew, () -> blocks [t, ...].

    Raises:
        ValueError: if the sequence is empty.
    """
    while True:
        count = 0
        for block in read():
            count += len(block)
            yield block
        if not count:
            raise ValueError("A background without frames cannot be repeated; give one with at least one sample.")


def parametric_backbone(codec: DeCodec) -> MDCTBackbone:
    """The backbone of a codec with parametric levels.

    Raises:
        ValueError: if it has none.
    """
    if not codec.parametric_levels or not isinstance(codec.backbone, MDCTBackbone):
        raise ValueError(
            "This model has no parametric levels (mel envelope and f0); convert codes by knn_codes or swap_codes."
        )
    return codec.backbone


def _features(codec: DeCodec, coordinates: Tensor, num_samples: int) -> VocoderFeatures:
    """Parametric coordinates [T, C] of a recording -> its features."""
    backbone, quantizer = parametric_backbone(codec), codec.speech_quantizer
    sizes = (backbone.content_dim, backbone.parametric_dim - 2, 2)
    semantic, envelope, pitch = coordinates.split(sizes, dim=1)
    if isinstance(quantizer, SemanticRVQ):
        semantic = quantizer.semantic.decode(quantizer.semantic.encode(semantic.T[None]))[0].T
    level = envelope.mean(1)
    above_threshold = level > level.max() - backbone.mel_scale * math.log(10) * VAD_THRESHOLD_DB / 20
    is_speech = above_threshold & (level > 0.1 * backbone.mel_scale)
    is_voiced = is_speech & backbone.pitch.decode(pitch)[1]
    return VocoderFeatures(envelope, pitch, is_speech, is_voiced, num_samples, semantic)
