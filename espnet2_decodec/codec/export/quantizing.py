"""Search and decoding of quantizers, with a fixed number of levels."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.beam_search import search_frames
from espnet2_decodec.codec.export.frames import Context, Frames
from espnet2_decodec.codec.export.layers import apply_stack
from espnet2_decodec.codec.export.overlapping import embed_overlapping, search_overlapping
from espnet2_decodec.codec.overlapping_quantizer import OverlappingRVQ
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.split_quantizer import Quantizer, SplitRVQ


class QuantizerGraph(nn.Module, ABC):
    """A quantizer on frames, with its leading levels.

    Args:
        quantizer: of the class that the graph is for.
        levels: K', at least 1.
    """

    def __init__(self, quantizer: Quantizer, levels: int):
        super().__init__()
        self.levels = levels
        semantic, parametric = quantizer.semantic_levels, quantizer.parametric_levels
        ends = [min(levels, end) for end in (semantic, max(semantic, parametric), levels)]
        self.counts = [end - start for start, end in zip([0, *ends], ends)]

    @abstractmethod
    def encode(self, context: Context, latent: Frames) -> Frames:
        """Coordinates of the stream [B, T, D] -> codes [B, T, K']."""

    @abstractmethod
    def decode(self, context: Context, codes: Frames) -> Frames:
        """Codes [B, T, K'] -> coordinates of the stream [B, T, D]."""


class PlainGraph(QuantizerGraph):
    """`ResidualVQ` on frames."""

    def __init__(self, quantizer: ResidualVQ, levels: int):
        super().__init__(quantizer, levels)
        self.quantizer = quantizer

    def encode(self, context: Context, latent: Frames) -> Frames:
        """See `QuantizerGraph.encode`."""
        return latent.map(lambda x: torch.stack(_search(self.quantizer, x, self.levels)[0], dim=-1))

    def decode(self, context: Context, codes: Frames) -> Frames:
        """See `QuantizerGraph.decode`."""
        return codes.map(lambda x: _embed(self.quantizer, x))


class SplitGraph(QuantizerGraph):
    """`SplitRVQ` on frames."""

    def __init__(self, quantizer: SplitRVQ, levels: int):
        super().__init__(quantizer, levels)
        self.quantizer = quantizer

    def encode(self, context: Context, latent: Frames) -> Frames:
        """See `QuantizerGraph.encode`."""
        split, size = self.quantizer, self.quantizer.semantic_dim
        scale = torch.ones(split.parametric_dim) if split.scale is None else split.scale
        parameters = latent.map(lambda x: x[..., : split.parametric_dim] / scale)
        codes, residual = _search_levels(
            context, split.semantic, parameters.map(lambda x: x[..., :size]), self.counts[0]
        )
        parameters, latent, residual, *codes = context.align(parameters, latent, residual, *codes)
        residual = Frames(torch.cat([residual.x, parameters.x[..., size:]], dim=-1), residual.delay)
        found, residual = _search_levels(context, split.parametric, residual, self.counts[1])
        parameters, latent, residual, *codes = context.align(parameters, latent, residual, *codes, *found)
        tokens = [code.x.round().long() for code in codes]
        if self.counts[2]:
            factors = split.scale_factors((parameters.x - residual.x) * scale)
            scaled = latent.x[..., split.parametric_dim :] / factors
            tokens += [code[..., None] for code in _search(split.waveform, scaled, self.counts[2])[0]]
        return Frames(torch.cat(tokens, dim=-1), residual.delay)

    def decode(self, context: Context, codes: Frames) -> Frames:
        """See `QuantizerGraph.decode`."""
        split, (first, second, _) = self.quantizer, self.counts
        parameters = _embed_levels(context, split.semantic, codes.map(lambda x: x[..., :first]))
        parameters = parameters.map(lambda x: F.pad(x, (0, split.parametric_dim - split.semantic_dim)))
        if second:
            others = _embed_levels(context, split.parametric, codes.map(lambda x: x[..., first : first + second]))
            parameters, others = context.align(parameters, others)
            parameters = Frames(parameters.x + others.x, others.delay)
        if split.scale is not None:
            parameters = Frames(parameters.x * split.scale, parameters.delay)
        codes, parameters = context.align(codes, parameters)
        if not self.counts[2]:
            return parameters.map(lambda x: F.pad(x, (0, split.waveform.dim)))
        waveform = _embed(split.waveform, codes.x[..., first + second :]) * split.scale_factors(parameters.x)
        return Frames(torch.cat([parameters.x, waveform], dim=-1), parameters.delay)


class SemanticGraph(QuantizerGraph):
    """`SemanticRVQ` on frames."""

    def __init__(self, quantizer: SemanticRVQ, levels: int):
        super().__init__(quantizer, levels)
        self.quantizer = quantizer

    def encode(self, context: Context, latent: Frames) -> Frames:
        """See `QuantizerGraph.encode`."""
        quantizer = self.quantizer
        codes = latent.map(lambda x: _search(quantizer.semantic, x[..., : quantizer.semantic_dim], 1)[0][0][..., None])
        if self.levels == 1:
            return codes
        latent, codes, predicted = context.align(latent, codes, self._predict(context, codes))
        parameters = latent.map(lambda x: x[..., quantizer.semantic_dim : quantizer.parametric_dim])
        scaled = Frames((parameters.x - predicted.x) / quantizer.scale, latent.delay)
        found, residual = _search_levels(context, quantizer.parametric, scaled, self.counts[1])
        latent, parameters, residual, *aligned = context.align(latent, parameters, residual, codes, *found)
        tokens = [code.x.round().long() for code in aligned]
        if self.counts[2]:
            factors = quantizer.scale_factors(parameters.x - residual.x * quantizer.scale)
            coefficients = latent.x[..., quantizer.parametric_dim :] / factors
            tokens += [code[..., None] for code in _search(quantizer.waveform, coefficients, self.counts[2])[0]]
        return Frames(torch.cat(tokens, dim=-1), residual.delay)

    def decode(self, context: Context, codes: Frames) -> Frames:
        """See `QuantizerGraph.decode`."""
        quantizer, predicted = self.quantizer, self._predict(context, codes)
        if self.counts[1]:
            chosen = codes.map(lambda x: x[..., self.counts[0] : sum(self.counts[:2])])
            predicted, residual = context.align(predicted, _embed_levels(context, quantizer.parametric, chosen))
            predicted = Frames(predicted.x + residual.x * quantizer.scale, predicted.delay)
        codes, parameters = context.align(codes, predicted)
        semantic, _, waveform = codes.x.split(self.counts, dim=-1)
        parts = [_embed(quantizer.semantic, semantic), parameters.x]
        if self.counts[2]:
            parts.append(_embed(quantizer.waveform, waveform) * quantizer.scale_factors(parameters.x))
        latent = torch.cat(parts, dim=-1)
        return Frames(F.pad(latent, (0, quantizer.dim - latent.shape[-1])), codes.delay)

    def _predict(self, context: Context, codes: Frames) -> Frames:
        """Codes [B, T, K'] -> parameters predicted from the semantic ones [B, T, P]."""
        quantizer = self.quantizer
        embedding = codes.map(lambda x: _embed(quantizer.semantic, x[..., :1]))
        predicted = apply_stack(context, quantizer.predictor, embedding)
        return predicted.map(lambda x: quantizer.offset + quantizer.scale * x)


def quantizer_graph(quantizer: Quantizer, levels: int) -> QuantizerGraph:
    """The graph of a quantizer with its leading levels."""
    if isinstance(quantizer, SemanticRVQ):
        return SemanticGraph(quantizer, levels)
    return SplitGraph(quantizer, levels) if isinstance(quantizer, SplitRVQ) else PlainGraph(quantizer, levels)


def _search_levels(
    context: Context, quantizer: ResidualVQ | OverlappingRVQ, frames: Frames, levels: int
) -> tuple[list[Frames], Frames]:
    """Frames [B, T, D] -> codes of each level [B, T, 1], and the residual [B, T, D]."""
    if isinstance(quantizer, OverlappingRVQ):
        return search_overlapping(context, quantizer, frames, levels)
    codes, residual = _search(quantizer, frames.x, levels)
    return [Frames(code[..., None], frames.delay) for code in codes], Frames(residual, frames.delay)


def _embed_levels(context: Context, quantizer: ResidualVQ | OverlappingRVQ, codes: Frames) -> Frames:
    """Codes of at least one level [B, T, K'] -> [B, T, D]."""
    if isinstance(quantizer, OverlappingRVQ):
        return embed_overlapping(context, quantizer, codes)
    return codes.map(lambda x: _embed(quantizer, x))


def _search(quantizer: ResidualVQ, frames: Tensor, levels: int) -> tuple[list[Tensor], Tensor]:
    """Search as `ResidualVQ.search`: frames [B, T, D] -> codes of each level [B, T], and the residual [B, T, D]."""
    books, codes = quantizer.codebooks[:levels], list[Tensor]()
    if quantizer.beam > 1 and levels > 1:
        found = search_frames(frames.flatten(0, 1), books, quantizer.beam, quantizer.sign_symmetric)
        found = found.unflatten(0, frames.shape[:2])
        return list(found.unbind(-1)), frames - _embed(quantizer, found)
    for book in books.unbind(0):
        centers = book[: len(book) // 2] if quantizer.sign_symmetric else book
        products = frames @ centers.T
        scores = products.abs() if quantizer.sign_symmetric else products
        index = (scores - 0.5 * centers.square().sum(1)).argmax(-1)
        if quantizer.sign_symmetric:
            index = index + len(centers) * (products.gather(-1, index[..., None])[..., 0] < 0).long()
        codes.append(index)
        frames = frames - F.embedding(index, book)
    return codes, frames


def _embed(quantizer: ResidualVQ, codes: Tensor) -> Tensor:
    """Codes of at least one level [B, T, K'] -> [B, T, D]."""
    embeddings = [F.embedding(code, book) for code, book in zip(codes.unbind(-1), quantizer.codebooks.unbind(0))]
    return torch.stack(embeddings).sum(0)
