"""Latent regression: the encoder alone is trained to give the latents of the isolated stems, without decoding."""

from collections.abc import Mapping

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.padding import pad_to_frames
from espnet2_decodec.codec.unseparated import analytic_backbone
from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training.outputs import GeneratorOutput


class LatentRegression:
    """Loss terms between the separated latents and the target latents of the stems.

    Args:
        codec: the model.
        weights: of the terms `latent` and `envelope`.
    """

    def __init__(self, codec: DeCodec, weights: Mapping[str, float]):
        self.codec, self.weights = codec, weights

    def terms(self, batch: Batch, speech: Tensor, background: Tensor) -> dict[str, Tensor]:
        """Terms `latent` and `envelope`; zeros for codecs without an analytic backbone.

        latent: mean log error of all coordinates, in the form of the `snr` of waveforms.
        envelope: mean absolute error of the coordinates that the first level codes, relative to their mean magnitude.
            They have little weight in the other term, but are the input of recognizers and of the parametric levels.

        Args:
            batch: stems.
            speech: [B, D_s, T] coordinates of the separated speech; semantic features before them have no target.
            background: [B, D_b, T] coordinates of the separated background.
        """
        backbone = analytic_backbone(self.codec)
        if backbone is None:
            return {"latent": speech.new_zeros(()), "envelope": speech.new_zeros(())}
        stems = torch.stack([batch.speech, batch.background])
        targets = torch.stack([backbone.target_latent(pad_to_frames(stem, None, self.codec.hop)[0]) for stem in stems])
        values = torch.stack([speech[:, backbone.content_dim :], background])
        errors, powers = (values - targets).square().mean((2, 3)), targets.square().mean((2, 3))
        floor = 0.1 * powers.sum(0) + 1e-7
        semantic, target_semantic = values[:, :, : backbone.semantic_dim], targets[:, :, : backbone.semantic_dim]
        return {
            "latent": torch.log10((errors + floor) / (powers + floor)).mean(),
            "envelope": (semantic - target_semantic).abs().sum() / (target_semantic.abs().sum() + 1e-6),
        }

    def __call__(self, batch: Batch, step: int) -> GeneratorOutput:
        """One generator step that trains the encoder alone."""
        latents = self.codec.subspace.split(self.codec.latent(batch.mixture))
        return GeneratorOutput.from_terms(self.terms(batch, *latents), self.weights)
