"""Search and decoding of a split quantizer, with a fixed number of levels."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.split_quantizer import SplitRVQ


class SplitGraph(nn.Module):
    """`SplitRVQ` on frames, with its leading levels.

    Args:
        quantizer: without beam search.
        levels: K', at least 1.

    Raises:
        ValueError: if one of the quantizers searches with a beam.
    """

    def __init__(self, quantizer: SplitRVQ, levels: int):
        super().__init__()
        self.quantizer, self.levels = quantizer, levels
        parts = (quantizer.semantic, quantizer.parametric, quantizer.waveform)
        if any(part.beam > 1 for part in parts):
            raise ValueError("A quantizer with beam search cannot be exported.")
        counts = (quantizer.semantic_levels, quantizer.parametric_levels - quantizer.semantic_levels, levels)
        self.counts: list[int] = []
        for count in counts:
            self.counts.append(max(0, min(count, levels - sum(self.counts))))

    def encode(self, x: Tensor) -> Tensor:
        """X [B, T, D] -> codes [B, K', T]."""
        split = self.quantizer
        parameters, coefficients = x[..., : split.parametric_dim], x[..., split.parametric_dim :]
        codes, residual = _search(split.semantic, parameters[..., : split.semantic_dim], self.counts[0])
        residual = torch.cat([residual, parameters[..., split.semantic_dim :]], dim=-1)
        found, residual = _search(split.parametric, residual, self.counts[1])
        codes = codes + found
        if self.counts[2]:
            scaled = coefficients / split.scale_factors(parameters - residual)
            codes = codes + _search(split.waveform, scaled, self.counts[2])[0]
        return torch.stack(codes, dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, K', T] -> [B, T, D]."""
        split = self.quantizer
        levels = list(codes.unbind(1))
        semantic, parametric = levels[: self.counts[0]], levels[self.counts[0] : sum(self.counts[:2])]
        parameters = F.pad(_embed(split.semantic, semantic), (0, split.parametric_dim - split.semantic_dim))
        if parametric:
            parameters = parameters + _embed(split.parametric, parametric)
        if not self.counts[2]:
            return F.pad(parameters, (0, split.waveform.dim))
        coefficients = _embed(split.waveform, levels[sum(self.counts[:2]) :])
        return torch.cat([parameters, coefficients * split.scale_factors(parameters)], dim=-1)


def _search(quantizer: ResidualVQ, frames: Tensor, levels: int) -> tuple[list[Tensor], Tensor]:
    """Greedy search: frames [B, T, D] -> codes of each level [B, T], and the residual [B, T, D]."""
    codes = []
    for codebook in quantizer.codebooks[:levels].unbind(0):
        centers = codebook[: len(codebook) // 2] if quantizer.sign_symmetric else codebook
        products = frames @ centers.T
        scores = products.abs() if quantizer.sign_symmetric else products
        indices = (scores - 0.5 * centers.square().sum(1)).argmax(-1)
        if quantizer.sign_symmetric:
            negative = products.gather(-1, indices[..., None])[..., 0] < 0
            indices = indices + len(centers) * negative.long()
        codes.append(indices)
        frames = frames - F.embedding(indices, codebook)
    return codes, frames


def _embed(quantizer: ResidualVQ, codes: list[Tensor]) -> Tensor:
    """Codes of at least one level [B, T] -> [B, T, D]."""
    total = F.embedding(codes[0], quantizer.codebooks[0])
    for level, indices in enumerate(codes[1:], start=1):
        total = total + F.embedding(indices, quantizer.codebooks[level])
    return total
