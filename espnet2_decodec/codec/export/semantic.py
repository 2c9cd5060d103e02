"""Encoder and decoder of the backbone with a semantic level on frames."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.export.backbones import MDCTGraph
from espnet2_decodec.codec.export.frames import Context, Frames
from espnet2_decodec.codec.export.layers import apply_stack, frame_signal, moving_mean, overlap_add, product
from espnet2_decodec.codec.export.transforms import fourier_matrices, inverse_fourier_matrices
from espnet2_decodec.codec.post_filter import PostFilter
from espnet2_decodec.codec.semantic_encoder import SemanticEncoder


class SemanticMDCTGraph(MDCTGraph):
    """`SemanticMDCTBackbone` on frames."""

    inverse: Tensor

    def __init__(self, backbone: SemanticMDCTBackbone):
        super().__init__(backbone)
        self.semantic_backbone = backbone
        scale = backbone.n_fft**0.5 / 2
        self.register_buffer("inverse", torch.stack(inverse_fourier_matrices(backbone.n_fft)) * scale)
        self.semantic_encoder = SemanticEncoderGraph(backbone.semantic_encoder)
        self.post_filter = PostFilterGraph(backbone.post_filter, backbone.hop)

    def encode(self, context: Context, wav: Frames) -> Frames:
        """See `BackboneGraph.encode`."""
        latent, speech = self.encode_stems(context, wav)
        frames = speech.map(lambda x: x[:, :, 0] @ self.inverse[0] + x[:, :, 1] @ self.inverse[1])
        stem = overlap_add(context, frames, self.backbone.window, self.hop)
        semantic, latent = context.align(self.semantic_encoder(context, stem, wav), latent)
        return Frames(torch.cat([semantic.x, latent.x], dim=-1), latent.delay)

    def decode(self, context: Context, speech: Frames, background: Frames) -> Frames:
        """See `BackboneGraph.decode`."""
        backbone = self.semantic_backbone
        semantic = speech.map(lambda x: x[..., : backbone.content_dim])
        streams = speech, background
        coordinates, background = (stream.map(lambda x: x[..., backbone.content_dim :]) for stream in streams)
        wav = self.decode_stream(context, coordinates, backbone.decoder)
        scaled = coordinates.map(lambda x: x[..., : backbone.stem_dim] / backbone.coordinate_scale)
        wav = self.post_filter(context, wav, scaled, semantic)
        background_wav = self.decode_stream(context, background, backbone.background_decoder)
        wav, background_wav = context.align(wav, background_wav)
        return Frames(wav.x + background_wav.x, wav.delay)


class SemanticEncoderGraph(nn.Module):
    """`SemanticEncoder` on frames."""

    transform: Tensor

    def __init__(self, encoder: SemanticEncoder):
        super().__init__()
        self.encoder = encoder
        self.register_buffer("transform", torch.stack(fourier_matrices(encoder.log_mel.window)))

    def forward(self, context: Context, wav: Frames, mixture: Frames) -> Frames:
        """Samples of separated speech and of the mixture [B, T, hop] each -> [B, T, S]."""
        inputs = self._log_mel(context, wav)
        if self.encoder.mixture_input:
            inputs, other = context.align(inputs, self._log_mel(context, mixture))
            inputs = Frames(torch.cat([inputs.x, other.x - inputs.x], dim=-1), inputs.delay)
        features = apply_stack(context, self.encoder.network, inputs)
        return features.map(lambda x: x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt())

    def _log_mel(self, context: Context, wav: Frames) -> Frames:
        """Samples [B, T, hop] -> [B, T, 2 E], as `RelativeLogMel`."""
        log_mel = self.encoder.log_mel
        size, step = log_mel.n_fft, log_mel.hop // 2
        start = log_mel.hop - (size - step) // 2

        def power(x: Tensor) -> Tensor:
            halves = torch.stack([x[..., start + i * step : start + i * step + size] for i in range(2)], dim=2)
            return ((halves @ self.transform[0]).square() + (halves @ self.transform[1]).square()) @ log_mel.filters

        powers = frame_signal(context, wav, 3).map(power)
        local = moving_mean(context, powers.map(lambda x: x.mean((2, 3))[..., None]), log_mel.context)
        powers, local = context.align(powers, local)
        log = powers.map(lambda x: torch.log(x + log_mel.floor * local.x[..., None] + 1e-9))
        log, mean = context.align(log, moving_mean(context, log.map(lambda x: x.mean(2)), log_mel.context))
        return log.map(lambda x: 0.5 * (x - mean.x[:, :, None]).flatten(2))


class PostFilterGraph(nn.Module):
    """`PostFilter` on frames."""

    transform: Tensor
    inverse: Tensor
    weights: Tensor

    def __init__(self, post_filter: PostFilter, hop: int):
        super().__init__()
        self.filter, self.hop = post_filter, hop
        stft = post_filter.stft
        self.starts = [hop + i * stft.hop_length - (stft.n_fft - stft.hop_length) // 2 for i in range(stft.subframes)]
        scale = 2 / stft.n_fft**0.5
        self.register_buffer("transform", torch.stack(fourier_matrices(stft.window)) * scale)
        self.register_buffer("inverse", torch.stack(inverse_fourier_matrices(stft.n_fft)) * stft.window / scale)
        self.register_buffer("weights", self._place(stft.window.square().expand(stft.subframes, -1)))

    def forward(self, context: Context, wav: Frames, coordinates: Frames, semantic: Frames) -> Frames:
        """Arguments as for `PostFilter.forward`, with samples [B, T, hop]; filtered speech [B, T, hop]."""
        stft, network = self.filter.stft, self.filter.network
        spectra = frame_signal(context, wav, 3).map(self._spectra)
        spectra, coordinates, semantic = context.align(spectra, coordinates, semantic)
        compressed = spectra.x * (spectra.x.square().sum(-2, keepdim=True) + 1e-10) ** ((stft.power - 1) / 2)
        features = torch.cat([2 * compressed.flatten(2), coordinates.x, semantic.x], dim=-1)
        outputs = apply_stack(context, network, Frames(features, spectra.delay))
        spectra, semantic, outputs = context.align(spectra, semantic, outputs)
        gain, added = outputs.x.unflatten(-1, (stft.subframes, 2, 2, stft.bins)).unbind(3)
        coded = (semantic.x.abs().amax(-1) > 0).to(gain.dtype)[..., None, None, None]
        magnitude = self._local_magnitudes(spectra.x) + self.filter.floor * coded
        filtered = spectra.x + product(spectra.x, gain, 3) + magnitude * added
        return overlap_add(context, Frames(self._frames(filtered), spectra.delay), self.weights, self.hop)

    def _spectra(self, frames: Tensor) -> Tensor:
        """Frames [B, T, 3 * hop] -> real and imaginary parts for each sub-frame [B, T, R, 2, F]."""
        size = self.filter.stft.n_fft
        parts = torch.stack([frames[..., start : start + size] for start in self.starts], dim=2)
        return torch.stack([parts @ self.transform[0], parts @ self.transform[1]], dim=3)

    def _local_magnitudes(self, spectra: Tensor) -> Tensor:
        """Spectra [B, T, R, 2, F] -> magnitudes averaged over neighboring bins [B, T, R, 1, F]."""
        half = self.filter.smoothing // 2
        magnitudes = spectra.square().sum(3).sqrt()
        padded = F.pad(magnitudes.flatten(1, 2), (half, half), mode="replicate")
        return F.avg_pool1d(padded, self.filter.smoothing, 1).unflatten(1, (-1, len(self.starts)))[..., None, :]

    def _frames(self, spectra: Tensor) -> Tensor:
        """Spectra [B, T, R, 2, F] -> their windowed frames, added [B, T, 3 * hop]."""
        real, imag = spectra.unbind(3)
        return self._place(real @ self.inverse[0] + imag @ self.inverse[1])

    def _place(self, parts: Tensor) -> Tensor:
        """Frames [..., R, size] -> their sum at their places in [..., 3 * hop]."""
        size = parts.shape[-1]
        padded = [F.pad(x, (i, 3 * self.hop - i - size)) for i, x in zip(self.starts, parts.unbind(-2))]
        return torch.stack(padded).sum(0)
