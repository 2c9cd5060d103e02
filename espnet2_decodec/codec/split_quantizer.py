"""Residual quantizer whose levels are split into semantic, parametric and waveform levels."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.overlapping_quantizer import OverlappingRVQ
from espnet2_decodec.codec.parametric_quantizer import ParametricQuantizer
from espnet2_decodec.codec.quantizer import QuantizedResult, ResidualVQ, quantized_result, split_levels
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ


class SplitRVQ(ParametricQuantizer):
    """RVQ of parameters and RVQ of waveform coefficients, as Mimi splits semantic and acoustic levels.

    The input starts with `parametric_dim` coordinates, see `ParametricBackbone`. The first level codes the first
    `semantic_dim` of them, the next levels the residual of all of them, and the remaining levels the other coordinates,
    in parallel (Defossez et al., 2024, arXiv 2410.00037). The latter are divided by scale factors predicted from the
    decoded parameters, at no bit cost.

    Args:
        dim: D.
        levels: K.
        codebook_size: N.
        semantic_dim: number of coordinates of the first level, at most `parametric_dim`.
        parametric_dim: number of coordinates of the parametric levels.
        parametric_levels: number of levels for them, including the first.
        scale_factors: maps decoded parameters [..., parametric_dim] to factors above 0, [..., D - parametric_dim] or
            [..., 1].
        sign_symmetric: whether the codebooks of the waveform levels are sign-symmetric, see `ResidualVQ`.
        parametric_frames: number of frames that a code of the parametric levels spans, see `OverlappingRVQ`; 1 for
            codes of single frames.
        ema_decay, dead_code_threshold: see `ResidualVQ`.

    Raises:
        ValueError: if the dimensions or the number of parametric levels are out of range, or a sign-symmetric codebook
            has an odd size.
    """

    scale: Tensor | None
    """Divisors [P] of the parameters before they are coded; None with codes of single frames."""

    def __init__(
        self,
        dim: int,
        levels: int,
        codebook_size: int,
        semantic_dim: int,
        parametric_dim: int,
        scale_factors: Callable[[Tensor], Tensor],
        parametric_levels: int = 3,
        sign_symmetric: bool = False,
        parametric_frames: int = 1,
        ema_decay: float = 0.998,
        dead_code_threshold: float = 0.05,
    ):
        super().__init__()
        if not 1 <= semantic_dim <= parametric_dim < dim:
            raise ValueError(
                f"Of {dim} coordinates, parametric_dim must be within 1..{dim - 1} and semantic_dim within "
                f"1..parametric_dim, not {parametric_dim} and {semantic_dim}."
            )
        if parametric_levels < 1:
            raise ValueError(f"parametric_levels must be at least 1, not {parametric_levels}.")
        self.dim, self.levels, self.codebook_size = dim, levels, codebook_size
        self.semantic_dim, self.parametric_dim, self.parameters_dim = semantic_dim, parametric_dim, parametric_dim
        self.semantic_levels, self.parametric_levels = min(1, levels), min(parametric_levels, levels)
        self.scale_factors = scale_factors
        parametric = self.parametric_levels - self.semantic_levels
        waveform = levels - self.parametric_levels
        ema = ema_decay, dead_code_threshold
        self.semantic, self.parametric = (
            OverlappingRVQ(size, count, codebook_size, parametric_frames, 2, *ema)
            if parametric_frames > 1
            else ResidualVQ(size, count, codebook_size, False, *ema)
            for size, count in ((semantic_dim, self.semantic_levels), (parametric_dim, parametric))
        )
        self.register_buffer("scale", torch.ones(parametric_dim) if parametric_frames > 1 else None)
        self.context = self.parametric.context
        first, second = self.semantic.encoding_context, self.parametric.encoding_context
        self.encoding_context = first[0] + second[0], first[1] + second[1]
        self.waveform = ResidualVQ(dim - parametric_dim, waveform, codebook_size, sign_symmetric, *ema)

    def decode_parameters(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes of the first levels [B, K', T] -> parameters [B, P, T]; see `ParametricQuantizer`."""
        (semantic, first), (parametric, others) = split_levels(codes, mask, self.semantic_levels)
        parameters = self._pad_semantic(self.semantic.decode(semantic, first)) + self.parametric.decode(
            parametric, others
        )
        return parameters if self.scale is None else parameters * self.scale[:, None]

    def embed(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes [B, K', T], K' >= 1, mask [B, T] -> contribution of each level, [K', B, D, T]."""
        semantic, parametric, waveform = self._split_levels(codes)
        embeddings = [self._pad_semantic(self.semantic.embed(semantic, mask))]
        if parametric.shape[1]:
            embeddings.append(self.parametric.embed(parametric, mask))
        parameters = torch.cat(embeddings)
        if self.scale is not None:
            parameters = parameters * self.scale[:, None]
        embeddings = [nn.functional.pad(parameters, (0, 0, 0, self.waveform.dim))]
        if waveform.shape[1]:
            coefficients = self.waveform.embed(waveform) * self._factors(parameters.sum(0))
            embeddings.append(nn.functional.pad(coefficients, (0, 0, self.parametric_dim, 0)))
        return torch.cat(embeddings)

    def forward(self, x: Tensor, levels: Tensor, mask: Tensor | None = None) -> QuantizedResult:
        """Quantize for training, and update the codebooks in training mode; arguments as for `ResidualVQ.forward`."""
        with torch.no_grad():
            codes, inputs = self._search(x, self.levels, mask, self.training)
            valid = torch.ones_like(codes[:, 0], dtype=torch.bool) if mask is None else mask
            embeddings = self.embed(codes, mask)
            if self.training:
                self._update(inputs, codes, valid)
        coded = torch.zeros(self.levels, self.dim, dtype=torch.float32, device=x.device)
        coded[: self.semantic_levels, : self.semantic_dim] = 1
        coded[self.semantic_levels : self.parametric_levels, : self.parametric_dim] = 1
        coded[self.parametric_levels :, self.parametric_dim :] = 1
        return quantized_result(x, levels, valid, codes, embeddings, coded, self.codebook_size)

    @torch.no_grad()
    def init_kmeans(self, frames: Tensor, iterations: int = 10) -> None:
        """Initialize the codebooks by k-means of encoder outputs [M, D]; see `ResidualVQ.init_kmeans`."""
        parameters, coefficients = frames.float().tensor_split([self.parametric_dim], dim=1)
        scaled = parameters / self.set_scale(parameters)
        residual = self.semantic.init_kmeans(scaled[:, : self.semantic_dim], iterations)
        residual = torch.cat([residual, scaled[:, self.semantic_dim :]], dim=1)
        residual = self.parametric.init_kmeans(residual, iterations)
        if self.scale is not None:
            residual = residual * self.scale
        self.waveform.init_kmeans(coefficients / self.scale_factors(parameters - residual), iterations)

    @torch.no_grad()
    def set_scale(self, parameters: Tensor) -> Tensor:
        """Set and return `scale` [P] for parameters [M, P]: pitch gets no more weight than a band of the envelope.

        Codes of single frames are left as they are, with a scale of 1.
        """
        if self.scale is None:
            return parameters.new_ones(self.parametric_dim)
        deviations = parameters.std(0)
        self.scale.copy_((deviations / deviations[: self.semantic_dim].mean()).clamp(min=1))
        self.scale[: self.semantic_dim] = 1
        return self.scale

    def _search_parameters(
        self, x: Tensor, levels: int, mask: Tensor | None, start: int = 0, with_inputs: bool = False
    ) -> tuple[Tensor, list[list[Tensor]], Tensor]:
        """Codes of the levels before the waveform levels, the inputs of each part, decoded parameters [B, P, T]."""
        with torch.autocast(x.device.type, enabled=False):
            parameters = x.float()[:, : self.parametric_dim].transpose(1, 2)
            if self.scale is not None:
                parameters = parameters / self.scale
            semantic, rest = parameters.tensor_split([self.semantic_dim], dim=-1)
            first, last = min(levels, self.semantic_levels), min(levels, self.parametric_levels)
            codes, inputs, residual = self.semantic.search(semantic, first, mask, start, with_inputs)
            residual = torch.cat([residual, rest], dim=-1)
            found, others, residual = self.parametric.search(residual, last - first, mask, start, with_inputs)
            decoded = parameters - residual if self.scale is None else (parameters - residual) * self.scale
            return torch.cat([codes, found], dim=1), [inputs, others], decoded.transpose(1, 2)

    def _pad_semantic(self, x: Tensor) -> Tensor:
        """[..., semantic_dim, T] -> [..., parametric_dim, T], zeros for the other parameters."""
        return nn.functional.pad(x, (0, 0, 0, self.parametric_dim - self.semantic_dim))


Quantizer = ResidualVQ | SplitRVQ | SemanticRVQ
