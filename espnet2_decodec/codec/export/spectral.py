"""Encoder and decoder of the backbone `spectral` on frames."""

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.spectral import SpectralBackbone
from espnet2_decodec.codec.export.backbones import BackboneGraph
from espnet2_decodec.codec.export.frames import Context, Frames
from espnet2_decodec.codec.export.layers import apply_stack, frame_signal, overlap_add
from espnet2_decodec.codec.export.transforms import fourier_matrices, inverse_fourier_matrices


class SpectralGraph(BackboneGraph):
    """`SpectralBackbone` on frames."""

    transform: Tensor
    inverse: Tensor
    weights: Tensor

    def __init__(self, backbone: SpectralBackbone):
        super().__init__(backbone)
        self.backbone, scale = backbone, 2 / backbone.n_fft**0.5
        self.register_buffer("transform", torch.stack(fourier_matrices(backbone.window)) * scale)
        inverse = torch.stack(inverse_fourier_matrices(backbone.n_fft)) * backbone.window / scale
        self.register_buffer("inverse", inverse)
        self.register_buffer("weights", backbone.window.square())

    def encode(self, context: Context, wav: Frames) -> Frames:
        """See `BackboneGraph.encode`."""
        backbone = self.backbone
        frames = frame_signal(context, wav, backbone.n_fft // self.hop)

        def features(x: Tensor) -> Tensor:
            real, imag = x @ self.transform[0], x @ self.transform[1]
            scale = ((real.square() + imag.square() + 1e-20).sqrt() + 1e-5) ** (backbone.compression - 1)
            return torch.cat([real * scale, imag * scale], dim=-1)

        return apply_stack(context, backbone.encoder, frames.map(features))

    def decode(self, context: Context, speech: Frames, background: Frames) -> Frames:
        """See `BackboneGraph.decode`."""
        outputs = apply_stack(context, self.backbone.decoder, Frames(speech.x + background.x, speech.delay))

        def frames(x: Tensor) -> Tensor:
            log_magnitude, angle = x.chunk(2, dim=-1)
            magnitude = torch.exp(log_magnitude.clamp(max=8.0))
            real, imag = magnitude * torch.cos(angle), magnitude * torch.sin(angle)
            return real @ self.inverse[0] + imag @ self.inverse[1]

        return overlap_add(context, outputs.map(frames), self.weights, self.hop)
