"""Encoder and decoder pairs behind one small interface."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Waveform to latent frames and back.

    Attributes:
        dim: D, the latent dimension.
        hop: samples per frame.
        latency: algorithmic latency of encoding and decoding in samples, None when it looks ahead without
            being causal.
        semantic_dim: how many first coordinates of each half of the latent the first level codes; 0 when all levels code the
            same coordinates.
        parametric_dim: how many first coordinates, those included, tell a vocoder what it needs; the others are waveform.
        signed: whether the other coordinates change their sign with the waveform.
        reach: frames that an encoder output depends on, (left, right), and the same of a decoder output;
            None when unlimited (recurrent layers).
    """

    dim: int
    hop: int
    latency: int | None
    semantic_dim: int = 0
    parametric_dim: int = 0
    signed: bool = False
    reach: tuple[tuple[int, int], tuple[int, int]] | None

    @abstractmethod
    def encode(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop], zero where it is padding; mask [B, T] of valid frames -> Y [B, D, T]."""

    def anchor(self, wav: Tensor) -> Tensor | None:
        """Coordinates that a stem [B, T * hop] should have in its half of the latent, [B, D / 2, T].

        None for backbones in which that is not known before training.
        """
        return None

    def stems(self, wav: Tensor, mask: Tensor | None = None) -> Tensor | None:
        """Speech and background of wav [B, T * hop] without any decoding: [B, 2, T * hop].

        They reach one frame further to both sides than the latent. None for backbones that have no stems before the
        decoder.
        """
        return None

    def loudness(self, parametric: Tensor) -> Tensor:
        """How large the coordinates after the parametric ones are told to be: [..., parametric_dim] -> [..., 1] above 0."""
        return torch.ones_like(parametric[..., :1])

    def sizes(self, parametric: Tensor) -> Tensor:
        """The same for each of them, [..., others], as it matters to the ear: quantizers divide by it, and miss in proportion."""
        return self.loudness(parametric)

    def frame_power(self, half: Tensor) -> Tensor | None:
        """Mean power of each frame of a stem, told by its half of the latent without decoding it: [B, D / 2, T] -> [B, T].

        None for backbones in which only decoding tells.
        """
        return None

    def clock(self, latent: Tensor, state: Any = None) -> tuple[Tensor | None, Any]:
        """What decoding counts over all frames of a recording, however long ago: Y [B, D, T] -> ticks [B, X, T].

        Args:
            latent: the next frames.
            state: what the call for the frames before gave; None at the start of a recording.

        Returns:
            The ticks, None for a backbone that counts nothing, and the state.
        """
        return None, None

    @abstractmethod
    def decode(self, latent: Tensor, mask: Tensor | None = None, ticks: Tensor | None = None) -> Tensor:
        """Y [B, D, T], mask [B, T] of valid frames -> wav [B, T * hop].

        `ticks` [B, X, T] are those of `clock`, for frames that do not begin a recording.
        """

    def decode_apart(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Y [B, D, T] -> [B, T * hop] each, whose sum is `decode`: what is decoded, and what is made up for the ear.

        The second part has the right magnitudes at best, and no phase that could be right.
        """
        wav = self.decode(latent)
        return wav, torch.zeros_like(wav)
