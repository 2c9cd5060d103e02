"""The interface of backbones: an encoder and a decoder."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

ReceptiveField = tuple[tuple[int, int], tuple[int, int]]
"""Frames (left, right) on which an encoder output frame depends, and the same for a decoder output frame."""


class Backbone(nn.Module, ABC):
    """Encoder from waveforms to latent frames, and decoder.

    Attributes:
        dim: D, the latent dimension.
        hop: samples per frame.
        latency: algorithmic latency of encoding and decoding in samples; None if it is not causal.
        receptive_field: see `ReceptiveField`; None if it is unlimited (recurrent layers).
    """

    dim: int
    hop: int
    latency: int | None
    receptive_field: ReceptiveField | None

    decodes_streams_separately = False
    """Whether speech and background are decoded one by one, and their waveforms added."""

    @abstractmethod
    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop], zero where it is padding, mask [B, T] of valid frames -> latent Y [B, D, T]."""

    @abstractmethod
    def decode(self, latent: Tensor, mask: Tensor | None = None, phase: Tensor | None = None) -> Tensor:
        """Y [B, D, T], mask [B, T] of valid frames -> wav [B, T * hop].

        `phase` [B, X, T] from `advance_phase` is needed for frames that do not start a recording.
        """

    def decode_components(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> coded and synthesized part of the waveform [B, T * hop], whose sum is `decode`.

        The synthesized part follows a magnitude envelope with an excitation that is unrelated to the original phase.
        """
        wav = self.decode(latent)
        return wav, torch.zeros_like(wav)

    def advance_phase(self, latent: Tensor, state: Any = None) -> tuple[Tensor | None, Any]:
        """State of the decoder that accumulates over all frames of a recording.

        Args:
            latent: Y [B, D, T], the next frames.
            state: returned by the call for the preceding frames; None at the start of a recording.

        Returns:
            `phase` [B, X, T] for `decode`, None for decoders without such a state; and the state after these frames.
        """
        return None, None


class ParametricBackbone(Backbone):
    """A backbone whose latent holds, for each stem, the parameters of a vocoder and then waveform coefficients.

    The latent is speech [B, D / 2, T] followed by background [B, D / 2, T]; each half starts with `parametric_dim`
    parameters, of which the first `semantic_dim` are the spectral envelope. The encoder is analytic except for the
    separation: the latent of an isolated stem is known without training.

    Attributes:
        semantic_dim: coordinates that the first quantizer level codes.
        parametric_dim: coordinates that the parametric quantizer levels code, including these.
        sign_symmetric: whether the waveform coefficients change their sign with the waveform.
    """

    semantic_dim: int
    parametric_dim: int
    sign_symmetric: bool = False

    content_dim = 0
    """Number of semantic features before the latent of the speech; 0 for none."""

    @property
    def stem_dims(self) -> tuple[int, int]:
        """Dimensions of the latent of the speech and of that of the background."""
        return self.dim // 2, self.dim // 2

    def isolated_latent(self, wav: Tensor) -> Tensor:
        """Speech [B, T * hop] without background -> its latent, without separation [B, `stem_dims[0]`, T]."""
        return self.target_latent(wav)

    @abstractmethod
    def target_latent(self, wav: Tensor) -> Tensor:
        """The latent that a perfect separation would give for a stem [B, T * hop], without semantic features."""

    @abstractmethod
    def stems(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop] -> separated speech and background [B, 2, T * hop], without quantizers and decoder.

        A stem depends on one frame more than the latent on both sides.
        """

    @abstractmethod
    def gain(self, parametric: Tensor) -> Tensor:
        """Parameters [..., parametric_dim] -> predicted norm of the waveform coefficients [..., 1], above 0."""

    @abstractmethod
    def scale_factors(self, parametric: Tensor) -> Tensor:
        """Parameters [..., parametric_dim] -> scale factors of the coefficients [..., D / 2 - parametric_dim]."""

    @abstractmethod
    def frame_power(self, latent: Tensor) -> Tensor:
        """Mean power of the frames of a stem according to its envelope: [B, D / 2, T] -> [B, T]."""
