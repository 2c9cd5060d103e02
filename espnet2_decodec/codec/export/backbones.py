"""Encoders and decoders of the backbones on frames."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.base import Backbone
from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.deep_filter import BandSplitDeepFilter
from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.export.excitation import locate_pulses, sum_pulses
from espnet2_decodec.codec.export.frames import Context, Frames
from espnet2_decodec.codec.export.layers import (
    apply_stack,
    deep_filter,
    frame_signal,
    moving_mean,
    overlap_add,
    product,
    stack_features,
)
from espnet2_decodec.codec.export.transforms import fourier_matrices


class BackboneGraph(nn.Module, ABC):
    """A backbone on frames.

    Args:
        backbone: of the class that the graph is for.
    """

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.hop = backbone.hop

    @abstractmethod
    def encode(self, context: Context, wav: Frames) -> Frames:
        """Samples [B, T, hop] -> Y [B, T, D]."""

    @abstractmethod
    def decode(self, context: Context, speech: Frames, background: Frames) -> Frames:
        """Projections of Y on the subspaces of both streams [B, T, D] -> samples [B, T, hop]."""


class MDCTGraph(BackboneGraph):
    """`MDCTBackbone` on frames."""

    cosines: Tensor
    sines: Tensor

    def __init__(self, backbone: MDCTBackbone):
        super().__init__(backbone)
        self.backbone = backbone
        for name, matrix in zip(("cosines", "sines"), fourier_matrices(backbone.window)):
            self.register_buffer(name, matrix * (2 / backbone.n_fft**0.5))

    def encode(self, context: Context, wav: Frames) -> Frames:
        """See `BackboneGraph.encode`."""
        return self.encode_stems(context, wav)[0]

    def encode_stems(self, context: Context, wav: Frames) -> tuple[Frames, Frames]:
        """Samples [B, T, hop] -> Y [B, T, D], and the separated speech [B, T, 2, F], real and imaginary parts."""
        backbone = self.backbone
        spectra = frame_signal(context, wav, 3).map(lambda x: torch.stack([x @ self.cosines, x @ self.sines], dim=2))
        bins = spectra.x.shape[-1]
        features, level = self._features(context, spectra)
        hidden = stack_features(context, backbone.encoder, features)
        mixture, level, hidden = context.align(spectra, level, hidden)
        outputs = hidden.map(backbone.encoder.out_proj)
        gain, rotation = torch.sigmoid(outputs.x[..., :bins]), torch.tanh(outputs.x[..., bins : 2 * bins])
        speech = mixture.map(lambda x: product(x, torch.stack([gain, rotation], dim=2), 2))
        if isinstance(backbone.deep_filter, BandSplitDeepFilter):
            speech = deep_filter(context, backbone.deep_filter, mixture, speech, level, hidden)
        mixture, speech, outputs = context.align(mixture, speech, outputs)
        stems = torch.stack([speech.x, mixture.x - speech.x], dim=2)  # [B, T, 2, 2, F]
        latent = self._analyze(stems, outputs.x[..., 2 * bins :].unflatten(-1, (2, -1)))
        return Frames(latent, speech.delay), speech

    def decode(self, context: Context, speech: Frames, background: Frames) -> Frames:
        """See `BackboneGraph.decode`."""
        latent = Frames(speech.x + background.x, speech.delay)
        return self.decode_stream(context, latent, self.backbone.decoder)

    def decode_stream(self, context: Context, latent: Frames, network: ConvNeXtStack) -> Frames:
        """Y [B, T, D] -> samples [B, T, hop], by a network for the corrections."""
        backbone = self.backbone
        outputs = apply_stack(
            context, network, latent.map(lambda x: backbone._decoder_input(x, backbone._coded_bands(x)))
        )
        f0, voiced = backbone._f0(latent.x.transpose(1, 2))
        located, numbers = locate_pulses(context, backbone.excitation, Frames(f0, latent.delay), voiced)
        latent, outputs, located, numbers = context.align(latent, outputs, located, numbers)
        pulses = sum_pulses(backbone.excitation, located.x, numbers.x)
        bands = backbone._mdct_frames(latent.x, backbone._coded_bands(latent.x), outputs.x, *pulses)
        frames = Frames(bands @ backbone.mdct.T, latent.delay)
        return overlap_add(context, frames, backbone.ola_weight, backbone.hop)

    def _features(self, context: Context, spectra: Frames) -> tuple[Frames, Frames]:
        """Spectra [B, T, 2, F] -> input [B, T, 2 F] and level [B, T, 1], as `MDCTBackbone._encoder_features`."""
        logs = spectra.map(lambda x: torch.log(x.square().sum(2).sqrt() + 1e-3))
        logs, means = context.align(logs, moving_mean(context, logs, self.backbone.norm_context))
        level = means.map(lambda x: x.mean(-1, keepdim=True))
        relative = torch.cat([0.5 * (logs.x - level.x), logs.x - means.x], dim=-1)
        return Frames(relative, level.delay), level

    def _analyze(self, spectra: Tensor, correction: Tensor) -> Tensor:
        """Spectra of both stems [B, T, 2, 2, F] and corrections of their envelopes [B, T, 2, E] -> Y [B, T, D]."""
        backbone = self.backbone
        matrices = backbone.stft_to_mdct.unflatten(0, (-1, 2)).unbind(1)
        coefficients = sum(part @ matrix for part, matrix in zip(spectra.unbind(3), matrices))
        norm = (coefficients.square().sum(-1, keepdim=True) + 1e-6).sqrt()
        powers = spectra.square().sum(3)
        envelope = torch.log1p((powers + 1e-12).sqrt() @ backbone.stft_to_mel / backbone.mel_floor)
        envelope = backbone.mel_scale * (envelope + correction)
        parts = [envelope, backbone.pitch(powers), coefficients * norm ** (backbone.compression - 1)]
        return torch.cat(parts, dim=-1).flatten(2)
