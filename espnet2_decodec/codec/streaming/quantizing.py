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
        self._buffer = ContextBuffer(self._with_prediction, quantizer.context if self._semantic else (0, 0))

    def push(self, latent: Tensor) -> tuple[Tensor, Tensor] | None:
        """The next latent frames [t, D] -> tokens [1, K, t'] of both streams that are complete, or None."""
        return self._quantize(self._buffer.push(latent))

    def flush(self) -> tuple[Tensor, Tensor] | None:
        """The remaining tokens at the end of the recording, or None. The next push starts another one."""
        return self._quantize(self._buffer.flush())

    @torch.no_grad()
    def _with_prediction(self, latent: Tensor) -> Tensor:
        """Latent frames [t, D] -> the same, followed by the prediction of the quantizer [t, D + P]."""
        if self._semantic is None:
            return latent
        quantizer = self._semantic
        speech = self.codec.subspace.split(latent.T[None])[0]
        embeddings = quantizer.semantic.decode(quantizer.encode(speech, 1))
        return torch.cat([latent, quantizer.predict(embeddings)[0].T], dim=1)

    @torch.no_grad()
    def _quantize(self, frames: Tensor | None) -> tuple[Tensor, Tensor] | None:
        if frames is None:
            return None
        latent, prediction = frames.T[None].tensor_split([self.codec.backbone.dim], dim=1)
        speech, background = self.codec.subspace.split(latent)
        background_codes = self.codec.background_quantizer.encode(background, self.levels[1])
        if self._semantic is None:
            return self.codec.speech_quantizer.encode(speech, self.levels[0]), background_codes
        codes = self._semantic.encode(speech, self.levels[0], prediction=prediction)
        return codes, background_codes


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
        self._buffer = ContextBuffer(self._with_prediction, quantizer.context)

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
    def _with_prediction(self, frames: Tensor) -> Tensor:
        """Frames [t, ...] that begin with semantic embeddings -> the prediction of the quantizer, then the frames."""
        assert self._semantic is not None
        prediction = self._semantic.predict(frames.T[None, : self._semantic.semantic_dim])[0].T
        return torch.cat([prediction, frames[:, self._semantic.semantic_dim :]], dim=1)

    @torch.no_grad()
    def _dequantize(self, frames: Tensor | None) -> Tensor:
        """Prediction [t, P], latent of the background [t, D], tokens of the speech -> latent frames [t, D]."""
        if frames is None or self._semantic is None:
            return next(self.codec.parameters()).new_zeros(0, self.codec.backbone.dim)
        predicted = frames.shape[1] - self.codec.backbone.dim - self.codec.speech_levels
        prediction, rest, tokens = frames.split([predicted, self.codec.backbone.dim, self.codec.speech_levels], dim=1)
        parts = []
        counts = (tokens >= 0).sum(1)
        cuts = [0, *((counts[1:] != counts[:-1]).nonzero()[:, 0] + 1).tolist(), len(frames)]
        for begin, end in zip(cuts, cuts[1:]):
            codes = tokens[begin:end, : int(counts[begin])].T[None].round().long()
            prior = prediction[begin:end].T[None]
            parts.append(self._semantic.decode(codes, prediction=prior))
        speech = torch.cat(parts, dim=2)
        empty = speech.new_zeros(1, self.codec.background_quantizer.dim, speech.shape[2])
        return rest + self.codec.subspace.merge(speech, empty)[0].T
