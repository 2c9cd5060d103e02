"""Schedule of training: which parts are trained in which steps, and quantizer dropout."""

from dataclasses import dataclass

import torch
from torch import Tensor

from espnet2_decodec.codec.split_quantizer import Quantizer
from espnet2_decodec.data.config import check_fields


@dataclass(frozen=True)
class Schedule:
    """Phases of training and probabilities of quantizer dropout; counts are generator steps.

    Attributes:
        pretraining_steps: first steps, in which only the encoder is trained, by regression to the latents of the
            isolated stems (backbones with a `target_latent`): separation is learned several times faster without
            decoding.
        reconstruction_steps: steps in which mixtures are only decoded as they are, a third of the computation: for
            backbones that have to learn waveforms first.
        unquantized_steps: steps without quantization; the codebooks are then initialized by k-means of encoder outputs.
            With `content_only`, those of the content alone.
        kmeans_frames: number of frames of each stream that are collected for k-means.
        adversarial_start: step from which the discriminator takes part; None for never.
        no_quantization_prob: probability that an item is not quantized afterwards.
        full_rate_prob: probability that a quantized item uses all levels.
        parametric_only_prob: probability that a quantized item uses the parametric levels alone (codecs with such
            levels); all other items use a random number of levels.
        decode_stems: decode the stems alone as well; False is the swap of the paper alone.
        keep_background_prob: probability that a mixture is decoded with its own background instead of another one.
        content_only: train the content encoder alone, with the rest of the codec fixed.
        freeze: submodules of the codec that are not trained, such as `backbone.encoder`, `subspace` or
            `content_encoder`; codebooks are updated nonetheless.

    Raises:
        ValueError: if an option is of another type, or out of range.
    """

    pretraining_steps: int = 0
    reconstruction_steps: int = 0
    unquantized_steps: int = 300
    kmeans_frames: int = 16384
    adversarial_start: int | None = None
    no_quantization_prob: float = 0.3
    full_rate_prob: float = 0.6
    parametric_only_prob: float = 0.15
    decode_stems: bool = True
    keep_background_prob: float = 0.5
    content_only: bool = False
    freeze: tuple[str, ...] = ()

    def __post_init__(self):
        check_fields(self)

    def draw_levels(self, batch: int, quantizer: Quantizer, device: torch.device) -> Tensor:
        """Quantizer dropout: number of levels of each item [B]; K + 1 for no quantization."""
        levels, parametric_levels = quantizer.levels, quantizer.parametric_levels
        draw = torch.rand(2, batch, device=device)
        drawn = torch.randint(1, levels + 1, (batch,), device=device)
        if parametric_levels:
            threshold = self.full_rate_prob + self.parametric_only_prob
            drawn = torch.where(draw[0] < threshold, parametric_levels, drawn)
        drawn = torch.where(draw[0] < self.full_rate_prob, levels, drawn)
        return torch.where(draw[1] < self.no_quantization_prob, levels + 1, drawn)
