"""Streaming between latent frames and tokens.

Tokens of the parametric levels depend on neighboring frames, in both directions. So the parameters of both streams are
computed block by block with their context, and the waveform levels frame by frame after them.
"""

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.split_quantizer import Quantizer
from espnet2_decodec.codec.streaming.context import ContextBuffer
from espnet2_decodec.types import Codes


class StreamingQuantizer:
    """Latent frames of one recording in, tokens of both streams out.

    Args:
        codec: in eval mode.
        levels: numbers of leading levels of speech and background.
    """

    def __init__(self, codec: DeCodec, levels: tuple[int, int]):
        self.codec, self._streams = codec, tuple(zip((codec.speech_quantizer, codec.background_quantizer), levels))
        contexts = [_encoding_context(*stream) for stream in self._streams]
        self._buffer = ContextBuffer(self._with_parameters, _largest(contexts))
        self._frames = 0

    def push(self, latent: Tensor) -> tuple[Tensor, Tensor] | None:
        """The next latent frames [t, D] -> tokens [1, K, t'] of both streams that are complete, or None."""
        numbers = torch.arange(self._frames, self._frames + len(latent), device=latent.device)
        self._frames += len(latent)
        return self._quantize(self._buffer.push(torch.cat([numbers[:, None].to(latent.dtype), latent], dim=1)))

    def flush(self) -> tuple[Tensor, Tensor] | None:
        """The remaining tokens at the end of the recording, or None. The next push starts another one."""
        self._frames = 0
        return self._quantize(self._buffer.flush())

    @torch.no_grad()
    def _with_parameters(self, frames: Tensor) -> Tensor:
        """Numbers and latents of frames [t, 1 + D] -> latents, then parameters and first tokens of each stream."""
        start, latent = round(float(frames[0, 0])), frames[:, 1:]
        parts = [latent]
        for stream, (quantizer, levels) in zip(self.codec.subspace.split(latent.T[None]), self._streams):
            if not isinstance(quantizer, ResidualVQ):
                codes, parameters = quantizer.encode_parameters(stream, levels, start=start)
                parts += [parameters[0].T, codes[0].T.to(latent.dtype)]
        return torch.cat(parts, dim=1)

    @torch.no_grad()
    def _quantize(self, frames: Tensor | None) -> tuple[Tensor, Tensor] | None:
        if frames is None:
            return None
        latent, rest = frames.T[None].tensor_split([self.codec.backbone.dim], dim=1)
        found = []
        for stream, (quantizer, levels) in zip(self.codec.subspace.split(latent), self._streams):
            if isinstance(quantizer, ResidualVQ):
                found.append(quantizer.encode(stream, levels))
                continue
            parameters, rest = rest.tensor_split([quantizer.parameters_dim], dim=1)
            codes, rest = rest.tensor_split([min(levels, quantizer.parametric_levels)], dim=1)
            others = quantizer.encode_waveform(stream, parameters, levels)
            found.append(torch.cat([codes.round().long(), others], dim=1))
        return found[0], found[1]


class StreamingDequantizer:
    """Tokens of one recording in, latent frames out.

    Args:
        codec: in eval mode.
        speech, background: whether to decode the stream.
    """

    def __init__(self, codec: DeCodec, speech: bool, background: bool):
        self.codec = codec
        self._streams = tuple(zip((codec.speech_quantizer, codec.background_quantizer), (speech, background)))
        contexts = [quantizer.context if wanted else (0, 0) for quantizer, wanted in self._streams]
        self._buffer = ContextBuffer(self._with_parameters, _largest(contexts))

    def push(self, codes: Codes) -> Tensor:
        """The next tokens, of batch size 1 -> the latent frames [t, D] that are complete, t >= 0.

        Raises:
            ValueError: if the codes do not match the codec.
        """
        self.codec.dequantize(codes, False, False)  # checks the codes
        parts = []
        for tokens, (quantizer, wanted) in zip((codes.speech, codes.background), self._streams):
            part = tokens.new_full((tokens.shape[2], quantizer.levels), -1)
            if wanted:
                part[:, : tokens.shape[1]] = tokens[0].T
            parts.append(part)
        return self._dequantize(self._buffer.push(torch.cat(parts, dim=1)))

    def flush(self) -> Tensor:
        """The remaining latent frames [t, D] at the end of the recording. The next push starts another one."""
        return self._dequantize(self._buffer.flush())

    @torch.no_grad()
    def _with_parameters(self, tokens: Tensor) -> Tensor:
        """Tokens of both streams [t, K_s + K_b], -1 for levels that a frame lacks -> the same after the parameters."""
        parts = []
        for part, (quantizer, _) in zip(self._split(tokens), self._streams):
            if not isinstance(quantizer, ResidualVQ):
                first = part[:, : quantizer.parametric_levels].T[None]
                parts.append(quantizer.decode_parameters(first.clamp(min=0), first >= 0)[0].T)
        return torch.cat([*parts, tokens.to(next(self.codec.parameters()).dtype)], dim=1)

    @torch.no_grad()
    def _dequantize(self, frames: Tensor | None) -> Tensor:
        """Results of `_with_parameters` -> latent frames [t, D]."""
        if frames is None:
            return next(self.codec.parameters()).new_zeros(0, self.codec.backbone.dim)
        tokens = frames[:, -sum(quantizer.levels for quantizer, _ in self._streams) :].round().long()
        latents = []
        for part, (quantizer, _) in zip(self._split(tokens), self._streams):
            parameters, frames = frames.tensor_split([quantizer.parameters_dim], dim=1)
            latents.append(_decode_pieces(quantizer, part, parameters))
        return self.codec.subspace.merge(*latents)[0].T

    def _split(self, tokens: Tensor) -> tuple[Tensor, ...]:
        return tokens.split([quantizer.levels for quantizer, _ in self._streams], dim=1)


def _encoding_context(quantizer: Quantizer, levels: int) -> tuple[int, int]:
    """Frames before and after a frame on which its codes of the leading levels depend."""
    alone = quantizer.semantic_levels if isinstance(quantizer, SemanticRVQ) else 0
    return quantizer.encoding_context if levels > alone else (0, 0)


def _decode_pieces(quantizer: Quantizer, tokens: Tensor, parameters: Tensor) -> Tensor:
    """Tokens [t, K], -1 for levels that a frame lacks, and parameters [t, P] -> latents of a stream [1, D, t]."""
    counts, parts = (tokens >= 0).sum(1), []
    cuts = [0, *((counts[1:] != counts[:-1]).nonzero()[:, 0] + 1).tolist(), len(tokens)]
    for begin, end in zip(cuts, cuts[1:]):
        codes = tokens[begin:end, : int(counts[begin])].T[None]
        if isinstance(quantizer, ResidualVQ):
            parts.append(quantizer.decode(codes))
        else:
            parts.append(quantizer.decode(codes, parameters=parameters[begin:end].T[None]))
    return torch.cat(parts, dim=2)


def _largest(contexts: list[tuple[int, int]]) -> tuple[int, int]:
    """The larger number of frames on each side."""
    return max(left for left, _ in contexts), max(right for _, right in contexts)
