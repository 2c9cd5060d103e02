"""Quantizer of the speech stream whose first level is semantic."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.overlapping_quantizer import OverlappingRVQ
from espnet2_decodec.codec.parametric_quantizer import ParametricQuantizer
from espnet2_decodec.codec.quantizer import QuantizedResult, ResidualVQ, quantized_result, split_levels


class SemanticRVQ(ParametricQuantizer):
    """Semantic level, parametric levels predicted from it, and waveform levels scaled by the decoded parameters.

    The input is [semantic features (S); parameters (P); waveform coefficients]. The first level codes the semantic
    features, the next ones the difference of the parameters from what a network predicts from the first level, and the
    remaining levels the coefficients, divided by scale factors that follow from the decoded parameters. Neither the
    prediction nor the scale factors cost bits.

    Args:
        dim: D.
        levels: K.
        codebook_size: N.
        semantic_dim: S, number of leading coordinates that the first level codes.
        parameters: P, number of coordinates after them that the parametric levels code.
        scale_factors: maps decoded parameters [..., P] to factors above 0, [..., D - S - P].
        parametric_levels: number of levels for semantic features and parameters, at least 2.
        sign_symmetric: whether the codebooks of the waveform levels are sign-symmetric, see `ResidualVQ`.
        parametric_frames: number of frames that a code of the parametric levels spans, see `OverlappingRVQ`; 1 for
            codes of single frames.
        beam: of the search of the waveform levels, and of parametric levels of single frames, see `beam_search`.
        predictor_channels, predictor_blocks, predictor_kernel: of the network, see `ConvNeXtStack`.
        ema_decay, dead_code_threshold: see `ResidualVQ`.

    Raises:
        ValueError: if the dimensions or the numbers of levels are out of range.
    """

    semantic: ResidualVQ
    scale: Tensor
    offset: Tensor

    def __init__(
        self,
        dim: int,
        levels: int,
        codebook_size: int,
        semantic_dim: int,
        parameters: int,
        scale_factors: Callable[[Tensor], Tensor],
        parametric_levels: int = 3,
        sign_symmetric: bool = False,
        parametric_frames: int = 1,
        beam: int = 4,
        predictor_channels: int = 128,
        predictor_blocks: int = 3,
        predictor_kernel: int = 7,
        ema_decay: float = 0.998,
        dead_code_threshold: float = 0.05,
    ):
        super().__init__()
        if not 2 <= parametric_levels <= levels or semantic_dim + parameters >= dim:
            raise ValueError(
                f"Of {levels} levels, parametric_levels must be within 2..{levels}, not {parametric_levels}, and "
                f"{semantic_dim} + {parameters} coordinates must leave some of {dim}."
            )
        self.dim, self.levels, self.codebook_size = dim, levels, codebook_size
        self.semantic_dim, self.parametric_dim, self.parameters_dim = (
            semantic_dim,
            semantic_dim + parameters,
            parameters,
        )
        self.semantic_levels, self.parametric_levels = 1, parametric_levels
        self.scale_factors = scale_factors
        ema = ema_decay, dead_code_threshold
        self.semantic = ResidualVQ(semantic_dim, 1, codebook_size, False, *ema)
        self.parametric: ResidualVQ | OverlappingRVQ
        if parametric_frames > 1:
            self.parametric = OverlappingRVQ(
                parameters, parametric_levels - 1, codebook_size, parametric_frames, 2, *ema
            )
        else:
            self.parametric = ResidualVQ(parameters, parametric_levels - 1, codebook_size, False, *ema, beam=beam)
        self.predictor = ConvNeXtStack(
            semantic_dim, predictor_channels, predictor_blocks, parameters, predictor_kernel, causal=False
        )
        self.register_buffer("scale", torch.ones(parameters))
        self.register_buffer("offset", torch.zeros(parameters))
        frames = predictor_blocks * (predictor_kernel // 2)
        (left, right), (first, last) = self.parametric.context, self.parametric.encoding_context
        self.context = max(frames, left), max(frames, right)
        self.encoding_context = frames + first, frames + last
        coefficients, rest = dim - self.parametric_dim, levels - parametric_levels
        self.waveform = ResidualVQ(coefficients, rest, codebook_size, sign_symmetric, *ema, beam=beam)

    def predict(self, semantic: Tensor, mask: Tensor | None = None) -> Tensor:
        """Embeddings of the semantic tokens [B, S, T], mask [B, T] of valid frames -> parameters [B, P, T]."""
        predicted = self.predictor(semantic.transpose(1, 2), mask).float()
        return (self.offset + self.scale * predicted).transpose(1, 2)

    def decode_parameters(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes of the first levels [B, K', T] -> parameters [B, P, T]; see `ParametricQuantizer`."""
        (semantic, first), (parametric, others) = split_levels(codes, mask, self.semantic_levels)
        valid = None if mask is None or mask.ndim == 3 else mask
        parameters = self.predict(self.semantic.decode(semantic, first), valid)
        return parameters + self.scale[:, None] * self.parametric.decode(parametric, others)

    def embed(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes [B, K', T], K' >= 1, mask [B, T] -> contribution of each level to `decode`, [K', B, D, T].

        The prediction from the semantic tokens counts to the first level.
        """
        semantic, parametric, waveform = self._split_levels(codes)
        features = self.semantic.decode(semantic)
        parameters = self.predict(features, mask)[None]
        if parametric.shape[1]:
            residual = self.parametric.embed(parametric, mask) * self.scale[:, None]
            parameters = torch.cat([parameters, residual])
        first, rest = self.semantic_dim, self.dim - self.parametric_dim
        padded = nn.functional.pad(parameters, (0, 0, first, rest))
        padded[0, :, :first] = features
        if not waveform.shape[1]:
            return padded
        coefficients = self.waveform.embed(waveform) * self._factors(parameters.sum(0))
        return torch.cat([padded, nn.functional.pad(coefficients, (0, 0, self.parametric_dim, 0))])

    def forward(self, x: Tensor, levels: Tensor, mask: Tensor | None = None) -> QuantizedResult:
        """Quantize for training, and update the codebooks in training mode; arguments as for `ResidualVQ.forward`.

        The error of the prediction, relative to the deviation of the parameters from their mean, is added to the
        commitment loss; it is all that trains the predictor.
        """
        with torch.no_grad():
            codes, inputs = self._search(x, self.levels, mask, self.training)
            valid = torch.ones_like(codes[:, 0], dtype=torch.bool) if mask is None else mask
            if self.training:
                self._update(inputs, codes, valid)
            embeddings = self.embed(codes, mask)
        coded = torch.zeros(self.levels, self.dim, dtype=torch.float32, device=x.device)
        coded[0, : self.semantic_dim] = 1
        coded[1 : self.parametric_levels, self.semantic_dim : self.parametric_dim] = 1
        coded[self.parametric_levels :, self.parametric_dim :] = 1
        result = quantized_result(x, levels, valid, codes, embeddings, coded, self.codebook_size)
        return replace(result, commitment=result.commitment + self._prediction_error(x, codes, valid))

    def _prediction_error(self, x: Tensor, codes: Tensor, valid: Tensor) -> Tensor:
        """Error of the parameters predicted from codes [B, K, T], relative to the deviation from their mean."""
        parameters = x.detach().float()[:, self.semantic_dim : self.parametric_dim]
        predicted = self.predict(self.semantic.decode(codes[:, :1]), valid)
        scale, offset = self.scale[:, None], self.offset[:, None]
        error, power = (((parameters - y) / scale).square() * valid[:, None] for y in (predicted, offset))
        return error.sum() / (power.sum() + 1e-8)

    @torch.no_grad()
    def init_kmeans(self, frames: Tensor, iterations: int = 10) -> None:
        """Initialize the codebooks by k-means of consecutive encoder outputs [M, D]; see `ResidualVQ.init_kmeans`."""
        semantic, parameters, coefficients = frames.float().tensor_split([self.semantic_dim, self.parametric_dim], 1)
        self.semantic.init_kmeans(semantic, iterations)
        self.offset.copy_(parameters.mean(0))
        self.scale.fill_(float(parameters.std(0).mean().clamp(min=1e-4)))
        embeddings = self.semantic.decode(self.semantic.encode(semantic.T[None]))
        residual = (parameters - self.predict(embeddings)[0].T) / self.scale
        self.parametric.init_kmeans(residual, iterations)
        _, decoded = self.encode_parameters(frames.T[None])
        self.waveform.init_kmeans(coefficients / self.scale_factors(decoded[0].T), iterations)

    def _search_parameters(
        self, x: Tensor, levels: int, mask: Tensor | None, start: int = 0, with_inputs: bool = False
    ) -> tuple[Tensor, list[list[Tensor]], Tensor]:
        """Codes of the levels before the waveform levels, the inputs of each part, decoded parameters [B, P, T]."""
        with torch.autocast(x.device.type, enabled=False):
            frames = x.float().transpose(1, 2)
            semantic, parameters, _ = frames.tensor_split([self.semantic_dim, self.parametric_dim], dim=-1)
            codes, semantic_inputs, _ = self.semantic.search(semantic, min(levels, 1), with_inputs=with_inputs)
            prediction = self.predict(self.semantic.decode(codes), mask)
            if levels <= 1:
                return codes, [semantic_inputs], prediction
            scaled, count = (parameters - prediction.transpose(1, 2)) / self.scale, min(levels, self.parametric_levels)
            found, inputs, residual = self.parametric.search(scaled, count - 1, mask, start, with_inputs)
            decoded = (parameters - residual * self.scale).transpose(1, 2)
            return torch.cat([codes, found], dim=1), [semantic_inputs, inputs], decoded

    def _decode_features(self, codes: Tensor) -> list[Tensor]:
        """Embeddings of the semantic tokens, from all codes [B, K', T]."""
        return [self.semantic.decode(codes[:, : self.semantic_levels])]
