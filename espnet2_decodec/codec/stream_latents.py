"""Decoding of a latent, the streams together or one by one, as the backbone requires."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.base import Backbone
from espnet2_decodec.codec.subspace import Split


def stream_latents(subspace: Split, latent: Tensor) -> tuple[Tensor, Tensor]:
    """Y [B, D, T] -> its projections on the subspaces of speech and background, [B, D, T] each."""
    speech, background = subspace.split(latent)
    return (
        subspace.merge(speech, torch.zeros_like(background)),
        subspace.merge(torch.zeros_like(speech), background),
    )


def advance_phase(backbone: Backbone, subspace: Split, latent: Tensor, state: Any) -> tuple[Tensor | None, Any]:
    """Y [B, D, T] -> phase (of both streams) and the state after these frames, see `Backbone.advance_phase`."""
    if not backbone.decodes_streams_separately:
        return backbone.advance_phase(latent, state)
    past = state or (None, None)
    phases, states = zip(*(backbone.advance_phase(x, y) for x, y in zip(stream_latents(subspace, latent), past)))
    return torch.cat(phases, dim=1), states


def decode_latent(
    backbone: Backbone, subspace: Split, latent: Tensor, mask: Tensor | None, phase: Tensor | None
) -> Tensor:
    """Y [B, D, T] -> wav [B, T * hop]; a stream that is zero up to rounding is skipped.

    Args:
        backbone: whose decoder is used.
        subspace: the split of its latent.
        latent: Y.
        mask: [B, T] of valid frames; None for all.
        phase: from `advance_phase`; None at the start of a recording.
    """
    if not backbone.decodes_streams_separately:
        return backbone.decode(latent, mask, phase)
    phases: Sequence[Tensor | None] = (None, None) if phase is None else phase.chunk(2, dim=1)
    silent = 1e-6 * latent.detach().abs().max()
    wavs = [
        backbone.decode(stream, mask, one)
        for stream, one in zip(stream_latents(subspace, latent.float()), phases)
        if stream.detach().abs().max() > silent
    ]
    return torch.stack(wavs).sum(0) if wavs else latent.new_zeros(len(latent), latent.shape[2] * backbone.hop)
