"""Residual quantizer whose levels are split into semantic, parametric and waveform levels."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.quantizer import QuantizedResult, ResidualVQ, draw_frames, quantized_result
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ


class SplitRVQ(nn.Module):
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
        ema_decay, dead_code_threshold: see `ResidualVQ`.

    Raises:
        ValueError: if the dimensions or the number of parametric levels are out of range, or a sign-symmetric codebook
            has an odd size.
    """

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
        self.semantic_dim, self.parametric_dim = semantic_dim, parametric_dim
        self.semantic_levels, self.parametric_levels = min(1, levels), min(parametric_levels, levels)
        self.scale_factors = scale_factors
        parametric = self.parametric_levels - self.semantic_levels
        waveform = levels - self.parametric_levels
        ema = ema_decay, dead_code_threshold
        self.semantic = ResidualVQ(semantic_dim, self.semantic_levels, codebook_size, False, *ema)
        self.parametric = ResidualVQ(parametric_dim, parametric, codebook_size, False, *ema)
        self.waveform = ResidualVQ(dim - parametric_dim, waveform, codebook_size, sign_symmetric, *ema)

    context, encoding_context = (0, 0), (0, 0)
    """Frames before and after a frame on which its decoded value and its codes depend."""

    @torch.no_grad()
    def encode(self, x: Tensor, levels: int | None = None, mask: Tensor | None = None) -> Tensor:
        """X [B, D, T] -> codes [B, levels, T] int64; all levels when None. The mask of valid frames is not needed."""
        return self._search(x, self.levels if levels is None else levels)[0]

    def decode(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes [B, K', T] of the first K' levels -> [B, D, T]; zeros for K' = 0. The mask is not needed."""
        semantic, parametric, waveform = self._split_levels(codes)
        parameters = self._pad_semantic(self.semantic.decode(semantic))
        for embedding in self.parametric.embed(parametric) if parametric.shape[1] else ():
            parameters = parameters + embedding
        coefficients = self.waveform.decode(waveform)
        if waveform.shape[1]:
            coefficients = coefficients * self._scale(parameters)
        return torch.cat([parameters, coefficients], dim=1)

    def embed(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Codes [B, K', T], K' >= 1 -> contribution of each level, [K', B, D, T]. The mask is not needed."""
        semantic, parametric, waveform = self._split_levels(codes)
        embeddings = [self._pad_semantic(self.semantic.embed(semantic))]
        if parametric.shape[1]:
            embeddings.append(self.parametric.embed(parametric))
        parameters = torch.cat(embeddings)
        embeddings = [nn.functional.pad(parameters, (0, 0, 0, self.waveform.dim))]
        if waveform.shape[1]:
            coefficients = self.waveform.embed(waveform) * self._scale(parameters.sum(0))
            embeddings.append(nn.functional.pad(coefficients, (0, 0, self.parametric_dim, 0)))
        return torch.cat(embeddings)

    def forward(self, x: Tensor, levels: Tensor, mask: Tensor | None = None) -> QuantizedResult:
        """Quantize for training, and update the codebooks in training mode; arguments as for `ResidualVQ.forward`."""
        with torch.no_grad():
            codes, inputs = self._search(x, self.levels)
            valid = torch.ones_like(codes[:, 0], dtype=torch.bool) if mask is None else mask
            embeddings = self.embed(codes)
            if self.training:
                replacements = draw_frames(valid, self.codebook_size)
                for part, part_inputs, part_codes in zip(self._parts, inputs, self._split_levels(codes)):
                    part.update(part_inputs, part_codes, valid, replacements)
        coded = torch.zeros(self.levels, self.dim, dtype=torch.float32, device=x.device)
        coded[: self.semantic_levels, : self.semantic_dim] = 1
        coded[self.semantic_levels : self.parametric_levels, : self.parametric_dim] = 1
        coded[self.parametric_levels :, self.parametric_dim :] = 1
        return quantized_result(x, levels, valid, codes, embeddings, coded, self.codebook_size)

    @torch.no_grad()
    def init_kmeans(self, frames: Tensor, iterations: int = 10) -> None:
        """Initialize the codebooks by k-means of encoder outputs [M, D]; see `ResidualVQ.init_kmeans`."""
        parameters, coefficients = frames.float().tensor_split([self.parametric_dim], dim=1)
        residual = self.semantic.init_kmeans(parameters[:, : self.semantic_dim], iterations)
        residual = torch.cat([residual, parameters[:, self.semantic_dim :]], dim=1)
        residual = self.parametric.init_kmeans(residual, iterations)
        self.waveform.init_kmeans(coefficients / self.scale_factors(parameters - residual), iterations)

    def level_codebooks(self) -> list[Tensor]:
        """The codebook of each level, [N, number of coordinates that it codes]."""
        return [codebook for part in self._parts for codebook in part.level_codebooks()]

    @property
    def _parts(self) -> tuple[ResidualVQ, ResidualVQ, ResidualVQ]:
        return self.semantic, self.parametric, self.waveform

    def _split_levels(self, codes: Tensor) -> tuple[Tensor, ...]:
        """Codes [B, K', T] -> those of the semantic, parametric and waveform levels."""
        return codes.tensor_split([self.semantic_levels, self.parametric_levels], dim=1)

    def _search(self, x: Tensor, levels: int) -> tuple[Tensor, list[list[Tensor]]]:
        """Codes [B, levels, T], and the inputs of the levels of each part. In float32."""
        with torch.autocast(x.device.type, enabled=False):
            parameters, coefficients = x.float().transpose(1, 2).tensor_split([self.parametric_dim], dim=-1)
            semantic_levels, parametric_levels = min(levels, self.semantic_levels), min(levels, self.parametric_levels)
            semantic, rest = parameters.tensor_split([self.semantic_dim], dim=-1)
            semantic_codes, semantic_inputs, residual = self.semantic.search(semantic, semantic_levels)
            parametric_codes, parametric_inputs, residual = self.parametric.search(
                torch.cat([residual, rest], dim=-1), parametric_levels - semantic_levels
            )
            codes, inputs = [semantic_codes, parametric_codes], [semantic_inputs, parametric_inputs]
            if levels > parametric_levels:
                scaled = coefficients / self.scale_factors(parameters - residual)
                waveform_codes, waveform_inputs, _ = self.waveform.search(scaled, levels - parametric_levels)
                codes, inputs = [*codes, waveform_codes], [*inputs, waveform_inputs]
            return torch.cat(codes, dim=1), inputs

    def _pad_semantic(self, x: Tensor) -> Tensor:
        """[..., semantic_dim, T] -> [..., parametric_dim, T], zeros for the other parameters."""
        return nn.functional.pad(x, (0, 0, 0, self.parametric_dim - self.semantic_dim))

    def _scale(self, parameters: Tensor) -> Tensor:
        """Decoded parameters [B, parametric_dim, T] -> scale factors [B, 1 or D - parametric_dim, T]."""
        return self.scale_factors(parameters.transpose(1, 2)).transpose(1, 2)


Quantizer = ResidualVQ | SplitRVQ | SemanticRVQ
