"""The encoder from samples to tokens and the decoder back, as modules that can be exported."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.deep_filter import BandSplitDeepFilter
from espnet2_decodec.codec.export.excitation import DenseExcitation
from espnet2_decodec.codec.export.quantizing import SplitGraph
from espnet2_decodec.codec.export.transforms import (
    fourier_matrices,
    frame_thirds,
    moving_sum,
    ones_of,
    overlap_add_halves,
)
from espnet2_decodec.codec.split_quantizer import SplitRVQ
from espnet2_decodec.codec.subspace import OrthogonalSplit


class _Graph(nn.Module):
    """What both graphs share: a copy of the codec's parts, in eval mode on the CPU, and its numbers of levels.

    Args:
        codec: with the backbone `mdct`.
        speech_levels: K_s, at least 1; None for all.
        background_levels: K_b, at least 1; None for all.

    Raises:
        ValueError: if the codec has another backbone or quantizer, or not that many levels.
    """

    matrix: Tensor

    def __init__(self, codec: DeCodec, speech_levels: int | None = None, background_levels: int | None = None):
        super().__init__()
        levels = codec.check_levels(speech_levels, background_levels)
        if type(codec.backbone) is not MDCTBackbone:
            raise ValueError(
                f"Only codecs with the backbone mdct can be exported, not {type(codec.backbone).__name__}."
            )
        if not isinstance(codec.subspace, OrthogonalSplit):
            raise ValueError("Only codecs with an orthogonal split can be exported.")
        if min(levels) < 1:
            raise ValueError("An exported codec has at least one level of each stream.")
        streams = []
        for quantizer, count in zip((codec.speech_quantizer, codec.background_quantizer), levels):
            if not isinstance(quantizer, SplitRVQ):
                raise ValueError(f"Only codecs with split quantizers can be exported, not {type(quantizer).__name__}.")
            streams.append(SplitGraph(quantizer, count))
        copied = deepcopy(nn.ModuleDict({"speech": streams[0], "background": streams[1], "backbone": codec.backbone}))
        copied = copied.cpu().eval().requires_grad_(False)
        self.backbone: MDCTBackbone = copied["backbone"]  # type: ignore[assignment]
        self.speech: SplitGraph = copied["speech"]  # type: ignore[assignment]
        self.background: SplitGraph = copied["background"]  # type: ignore[assignment]
        with torch.no_grad():
            basis = torch.eye(self.backbone.dim, device=next(codec.parameters()).device)[None]
            self.register_buffer("matrix", torch.cat(codec.subspace.split(basis), dim=1)[0].cpu())
        self.dims = codec.subspace.dims


class EncoderGraph(_Graph):
    """Samples [B, T * hop] at the sample rate of the codec -> speech [B, K_s, T] and background [B, K_b, T] tokens.

    A recording is padded with zeros to whole frames. Arguments and errors as for the base class.
    """

    cosines: Tensor
    sines: Tensor

    def __init__(self, codec: DeCodec, speech_levels: int | None = None, background_levels: int | None = None):
        super().__init__(codec, speech_levels, background_levels)
        for name, matrix in zip(("cosines", "sines"), fourier_matrices(self.backbone.window)):
            self.register_buffer(name, matrix)

    def forward(self, wav: Tensor) -> tuple[Tensor, Tensor]:
        """Samples [B, T * hop] -> tokens of both streams."""
        frames = frame_thirds(wav, self.backbone.hop)
        latent = self._latent(frames @ self.cosines, frames @ self.sines) @ self.matrix.T
        speech, background = latent.split(self.dims, dim=-1)
        return self.speech.encode(speech), self.background.encode(background)

    def _latent(self, real: Tensor, imag: Tensor) -> Tensor:
        """Spectra [B, T, F] -> Y [B, T, D], as `MDCTBackbone.encode`."""
        backbone, bins = self.backbone, real.shape[-1]
        features, level = self._features(real, imag)
        hidden = backbone.encoder.features(features, None)
        outputs = backbone.encoder.out_proj(hidden)
        gain, rotation = torch.sigmoid(outputs[..., :bins]), torch.tanh(outputs[..., bins : 2 * bins])
        speech = real * gain - imag * rotation, real * rotation + imag * gain
        if isinstance(backbone.deep_filter, BandSplitDeepFilter):
            speech = backbone.deep_filter.filter_planes((real, imag), speech, level, hidden)
        reals = torch.stack([speech[0], real - speech[0]], dim=2)  # [B, T, 2, F]
        imags = torch.stack([speech[1], imag - speech[1]], dim=2)
        coefficients = reals @ backbone.stft_to_mdct[0::2] + imags @ backbone.stft_to_mdct[1::2]
        norm = (coefficients.square().sum(-1, keepdim=True) + 1e-6).sqrt()
        powers = reals.square() + imags.square()
        envelope = torch.log1p((powers + 1e-12).sqrt() @ backbone.stft_to_mel / backbone.mel_floor)
        envelope = backbone.mel_scale * (envelope + outputs[..., 2 * bins :].unflatten(-1, (2, -1)))
        parts = [envelope, backbone.pitch(powers), coefficients * norm ** (backbone.compression - 1)]
        return torch.cat(parts, dim=-1).flatten(2)

    def _features(self, real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor]:
        """Spectra [B, T, F] -> input [B, T, 2 F] and level [B, T, 1], as `MDCTBackbone._encoder_features`."""
        logs = torch.log((real.square() + imag.square()).sqrt() + 1e-3)
        context = self.backbone.norm_context
        means = moving_sum(logs, context) / moving_sum(ones_of(logs[:1, :, :1]), context)
        level = means.mean(-1, keepdim=True)
        return torch.cat([0.5 * (logs - level), logs - means], dim=-1), level


class DecoderGraph(_Graph):
    """Speech [B, K_s, T] and background [B, K_b, T] tokens -> samples [B, T * hop].

    The gains [2] of speech and background scale the latent streams: 1, or 0 to leave one out. Arguments and errors as
    for the base class.
    """

    def __init__(self, codec: DeCodec, speech_levels: int | None = None, background_levels: int | None = None):
        super().__init__(codec, speech_levels, background_levels)
        excitation = DenseExcitation(codec.sample_rate, codec.hop)
        self.backbone.excitation = excitation

    def forward(self, speech: Tensor, background: Tensor, gains: Tensor) -> Tensor:
        """Tokens of both streams, gains [2] -> samples [B, T * hop]."""
        backbone = self.backbone
        streams = [self.speech.decode(speech) * gains[0], self.background.decode(background) * gains[1]]
        latent = torch.cat(streams, dim=-1) @ self.matrix
        frames = backbone._decode_mdct(latent.transpose(1, 2), None, None) @ backbone.mdct.T
        weight = backbone.ola_weight * ones_of(frames[..., :1])
        weight = overlap_add_halves(weight, backbone.hop).clamp(min=1e-3)
        return overlap_add_halves(frames, backbone.hop) / weight
