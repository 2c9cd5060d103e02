"""Sizes and rates of a codec, which follow from its parts, and the checks of arguments by them."""

import math

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import Backbone, ReceptiveField
from espnet2_decodec.codec.content import ContentEncoder
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.split_quantizer import Quantizer
from espnet2_decodec.codec.subspace import Split
from espnet2_decodec.codec.validation import check_codes, check_levels, check_tokens
from espnet2_decodec.types import Codes


class CodecProperties(nn.Module):
    """Base class of `DeCodec`.

    Attributes:
        sample_rate: Hz.
        backbone: encoder and decoder.
        subspace: split of the latent.
        speech_quantizer: of the speech.
        background_quantizer: of the background.
        content_encoder: encoder of content features beside the streams; None for none.
    """

    sample_rate: int
    backbone: Backbone
    subspace: Split
    speech_quantizer: Quantizer
    background_quantizer: Quantizer
    content_encoder: ContentEncoder | None

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return self.backbone.hop

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    @property
    def latency(self) -> int | None:
        """Algorithmic latency of encode and decode in samples; None for a codec that is not causal."""
        return self.backbone.latency

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """Frames (left, right) on which a frame of the encoder, and of the decoder, depends; None if unlimited."""
        return self.backbone.receptive_field

    @property
    def speech_levels(self) -> int:
        """K of the speech stream."""
        return self.speech_quantizer.levels

    @property
    def background_levels(self) -> int:
        """K of the background stream."""
        return self.background_quantizer.levels

    @property
    def parametric_levels(self) -> int:
        """Number of leading levels that code mel envelope, f0 and voicing, and decode on their own; 0 for none."""
        return self.speech_quantizer.parametric_levels

    @property
    def codebook_size(self) -> int:
        """N, of all levels."""
        return self.speech_quantizer.codebook_size

    @property
    def content_dim(self) -> int:
        """S, number of content features of a frame; 0 for none."""
        if isinstance(self.speech_quantizer, SemanticRVQ):
            return self.speech_quantizer.semantic_dim
        return 0 if self.content_encoder is None else self.content_encoder.dim

    @property
    def content_quantizer(self) -> ResidualVQ | None:
        """Quantizer of the content features: the first level of the speech, or that of a `ContentEncoder`."""
        if isinstance(self.speech_quantizer, SemanticRVQ):
            return self.speech_quantizer.semantic
        return None if self.content_encoder is None else self.content_encoder.quantizer

    def kbps(self, levels: int, codebook_size: int | None = None) -> float:
        """Bit rate of a number of levels in kbit/s; of codebooks of another size with `codebook_size`."""
        return levels * math.log2(codebook_size or self.codebook_size) * self.frame_rate / 1000

    def num_frames(self, lengths: Tensor) -> Tensor:
        """Lengths in samples -> lengths in frames."""
        return (lengths + self.hop - 1) // self.hop

    def check_codes(self, codes: Codes) -> None:
        """Check that codes are of this codec.

        Raises:
            ValueError: if they have another sample rate, too many levels, are out of range, or are too few for their
                lengths.
            TypeError: if they are not `Codes`.
        """
        check_codes(codes, self.sample_rate, self.hop)
        check_tokens(codes.speech, self.speech_levels, self.speech_quantizer.codebook_size, "speech")
        check_tokens(codes.background, self.background_levels, self.background_quantizer.codebook_size, "background")

    def check_float32(self) -> None:
        """Raise a ValueError if the codec was converted to another type, in which its phase and tokens are inexact."""
        dtype = next(self.parameters()).dtype
        if dtype != torch.float32:
            raise ValueError(f"This codec was converted to {dtype}: keep float32, or use torch.autocast.")

    def check_levels(self, speech: int | None, background: int | None) -> tuple[int, int]:
        """The numbers of levels of both streams; all of them for None.

        Raises:
            ValueError: if the codec does not have that many.
        """
        return (
            check_levels(speech, self.speech_levels, "speech"),
            check_levels(background, self.background_levels, "background"),
        )
