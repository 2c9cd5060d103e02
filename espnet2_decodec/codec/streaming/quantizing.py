"""Streaming between latent frames and tokens."""

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.codec.streaming.context import ContextBuffer
from espnet2_decodec.types import Codes


class StreamingQuantizer:
    """Latent frames of one recording in, tokens of both streams out.

    Args:
        codec: in eval mode.
        levels: numbers of leading levels of speech and background.
    """

    def __init__(self, codec: DeCodec, levels: tuple[int, int]):
        self.codec, self.levels = codec, levels
        quantizer = codec.speech_quantizer
        self._semantic = quantizer if isinstance(quantizer, SemanticRVQ) and levels[0] > 1 else None
        context = (0, 0) if self._semantic is None else self._semantic.encoding_context
        self._buffer = ContextBuffer(self._with_parameters, context)
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
        """Numbers and latents of frames [t, 1 + D] -> latents, decoded parameters and first tokens [t, D + P + K']."""
        latent = frames[:, 1:]
        if self._semantic is None:
            return latent
        speech = self.codec.subspace.split(latent.T[None])[0]
        codes, parameters = self._semantic.encode_parameters(speech, self.levels[0], start=round(float(frames[0, 0])))
        return torch.cat([latent, parameters[0].T, codes[0].T.to(latent.dtype)], dim=1)

    @torch.no_grad()
    def _quantize(self, frames: Tensor | None) -> tuple[Tensor, Tensor] | None:
        if frames is None:
            return None
        latent, rest = frames.T[None].tensor_split([self.codec.backbone.dim], dim=1)
        speech, background = self.codec.subspace.split(latent)
        background_codes = self.codec.background_quantizer.encode(background, self.levels[1])
        if self._semantic is None:
            return self.codec.speech_quantizer.encode(speech, self.levels[0]), background_codes
        parameters, codes = rest.tensor_split([self._semantic.parametric_dim - self._semantic.semantic_dim], dim=1)
        others = self._semantic.encode_waveform(speech, parameters, self.levels[0])
        return torch.cat([codes.round().long(), others], dim=1), background_codes


class StreamingDequantizer:
    """Tokens of one recording in, latent frames out.

    Args:
        codec: in eval mode.
        speech, background: whether to decode the stream.
    """

    def __init__(self, codec: DeCodec, speech: bool, background: bool):
        self.codec, self._streams = codec, (speech, background)
        quantizer = codec.speech_quantizer
        self._semantic = quantizer if isinstance(quantizer, SemanticRVQ) and speech else None
        self._buffer = ContextBuffer(self._with_parameters, quantizer.context)

    def push(self, codes: Codes) -> Tensor:
        """The next tokens, of batch size 1 -> the latent frames [t, D] that are complete, t >= 0.

        Raises:
            ValueError: if the codes do not match the codec.
        """
        if self._semantic is None:
            return self.codec.dequantize(codes, *self._streams)[0].T
        silent = Codes(codes.speech[:, :0], codes.background, codes.lengths, codes.sample_rate)
        self.codec.dequantize(codes, False, False)  # checks the codes
        rest = self.codec.dequantize(silent, False, self._streams[1])[0].T
        embedding = self._semantic.semantic.decode(codes.speech[:, :1])[0].T
        tokens = codes.speech.new_full((codes.speech.shape[2], self.codec.speech_levels), -1)
        tokens[:, : codes.speech.shape[1]] = codes.speech[0].T
        return self._dequantize(self._buffer.push(torch.cat([embedding, rest, tokens.to(rest.dtype)], dim=1)))

    def flush(self) -> Tensor:
        """The remaining latent frames [t, D] at the end of the recording. The next push starts another one."""
        return self._dequantize(None if self._semantic is None else self._buffer.flush())

    @torch.no_grad()
    def _with_parameters(self, frames: Tensor) -> Tensor:
        """Semantic embeddings, latents of the background, tokens [t, S + D + K] -> parameters, and the rest.

        A token of -1 is a level that the frame does not have.
        """
        quantizer = self._semantic
        assert quantizer is not None
        embedding = frames.T[None, : quantizer.semantic_dim]
        parametric = frames[:, -self.codec.speech_levels :].T[None, 1 : quantizer.parametric_levels].round().long()
        parameters = quantizer.decode_parameters(embedding, parametric.clamp(min=0), parametric >= 0)
        return torch.cat([parameters[0].T, frames[:, quantizer.semantic_dim :]], dim=1)

    @torch.no_grad()
    def _dequantize(self, frames: Tensor | None) -> Tensor:
        """Parameters [t, P], latent of the background [t, D], tokens of the speech -> latent frames [t, D]."""
        if frames is None or self._semantic is None:
            return next(self.codec.parameters()).new_zeros(0, self.codec.backbone.dim)
        count = frames.shape[1] - self.codec.backbone.dim - self.codec.speech_levels
        parameters, rest, tokens = frames.split([count, self.codec.backbone.dim, self.codec.speech_levels], dim=1)
        parts = []
        counts = (tokens >= 0).sum(1)
        cuts = [0, *((counts[1:] != counts[:-1]).nonzero()[:, 0] + 1).tolist(), len(frames)]
        for begin, end in zip(cuts, cuts[1:]):
            codes = tokens[begin:end, : int(counts[begin])].T[None].round().long()
            parts.append(self._semantic.decode(codes, parameters=parameters[begin:end].T[None]))
        speech = torch.cat(parts, dim=2)
        empty = speech.new_zeros(1, self.codec.background_quantizer.dim, speech.shape[2])
        return rest + self.codec.subspace.merge(speech, empty)[0].T
