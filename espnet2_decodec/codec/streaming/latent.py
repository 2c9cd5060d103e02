"""Streaming between samples and continuous latent frames."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.base import ParametricBackbone, ReceptiveField
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming.context import ContextBuffer, rechunk
from espnet2_decodec.codec.validation import check_finite

BLOCK_FRAMES = 500
"""Default number of frames that are computed at a time, 10 s at 50 frames per second."""


class LatentEncoder:
    """Samples in, latent frames out.

    Args:
        codec: with a limited receptive field.
        stems: return frames of the stems before the decoder [t, 2, hop] instead of the latent.

    Attributes:
        missing: samples that the last returned frame lacks, which were padded with zeros; 0 before `flush`.

    Raises:
        ValueError: if the codec is recurrent.
    """

    def __init__(self, codec: DeCodec, stems: bool = False):
        self.codec, self.missing = codec, 0
        left, right = require_receptive_field(codec)[0]
        if stems:
            self._buffer = ContextBuffer(self._stems, (left + 1, right + 1))
        else:
            self._buffer = ContextBuffer(self._encode, (left, right))
        self._rest: Tensor | None = None  # samples of an incomplete frame

    def push(self, wav: Tensor) -> Tensor | None:
        """The next samples [l] -> the latent frames [t, D] that are complete, or None.

        Raises:
            ValueError: if the shape is wrong or a sample is not finite.
        """
        wav = check_block(self.codec.as_input(wav))
        check_finite(wav)
        wav = wav.to(next(self.codec.parameters()).device, torch.float32)
        wav = wav if self._rest is None else torch.cat([self._rest, wav])
        whole = len(wav) // self.codec.hop * self.codec.hop
        self.missing, self._rest = 0, wav[whole:].clone()
        return self._buffer.push(wav[:whole].view(-1, self.codec.hop)) if whole else None

    def flush(self) -> Tensor | None:
        """The remaining latent frames, or None; sets `missing`. The next push starts another recording."""
        results, rest, self._rest = [], self._rest, None
        self.missing = 0
        if rest is not None and len(rest):
            self.missing = self.codec.hop - len(rest)
            results.append(self._buffer.push(torch.nn.functional.pad(rest, (0, self.missing))[None]))
        results.append(self._buffer.flush())
        frames = [result for result in results if result is not None]
        return torch.cat(frames) if frames else None

    def encode(self, blocks: Iterable[Tensor], frames: int = BLOCK_FRAMES) -> Iterator[Tensor]:
        """Blocks of samples [l] of one recording, of any sizes -> blocks of its latent frames [t, D].

        Args:
            blocks: samples in -1..1.
            frames: number of frames that are computed at a time.

        Raises:
            ValueError: if there are no samples, or as in `push`.
        """
        empty = True
        samples = (check_block(self.codec.as_input(block)) for block in blocks)
        for wav in rechunk(samples, frames * self.codec.hop):
            empty = False
            latent = self.push(wav)
            if latent is not None:
                yield latent
        if empty:
            raise ValueError("The recording has no samples.")
        latent = self.flush()
        if latent is not None:
            yield latent

    @torch.no_grad()
    def encode_streams(self, blocks: Iterable[Tensor], frames: int = BLOCK_FRAMES) -> Iterator[tuple[Tensor, Tensor]]:
        """As `encode`, split into blocks of speech [1, D_s, t] and of background [1, D_b, t]."""
        for latent in self.encode(blocks, frames):
            yield self.codec.subspace.split(latent.T[None])

    @torch.no_grad()
    def _encode(self, frames: Tensor) -> Tensor:
        """Frames of samples [t, hop] -> latent frames [t, D]."""
        return self.codec.latent(frames.reshape(1, -1))[0].T

    @torch.no_grad()
    def _stems(self, frames: Tensor) -> Tensor:
        """Frames of samples [t, hop] -> frames of stems [t, 2, hop]."""
        backbone = self.codec.backbone
        assert isinstance(backbone, ParametricBackbone)
        return backbone.stems(frames.reshape(1, -1))[0].unflatten(1, frames.shape).transpose(0, 1)


class LatentDecoder:
    """Latent frames in, samples out.

    Args:
        codec: with a limited receptive field.

    Raises:
        ValueError: if the codec is recurrent.
    """

    def __init__(self, codec: DeCodec):
        self.codec, self._buffer = codec, ContextBuffer(self._decode, require_receptive_field(codec)[1])
        self._remaining = 0  # announced samples that have not been returned
        self._whole = True  # whether the announced samples are whole frames
        self._phase_state = None

    def expect(self, samples: int) -> None:
        """Announce the number of samples of the latent frames that are pushed next.

        Raises:
            ValueError: if it is negative, or the samples announced before were not whole frames, which ends a
                recording.
            TypeError: if it is not a whole number.
        """
        if not hasattr(samples, "__index__"):
            raise TypeError(f"The number of samples must be a whole number, not {samples!r}.")
        if samples < 0:
            raise ValueError(f"The number of samples must be at least 0, not {samples}.")
        if not self._whole:
            raise ValueError("Only the last block of a recording may end within a frame; flush before the next one.")
        self._remaining, self._whole = self._remaining + samples, samples % self.codec.hop == 0

    def push(self, latent: Tensor) -> Tensor:
        """The next latent frames [t, D] -> the samples [l] that are complete, l >= 0.

        Raises:
            ValueError: if they have another shape.
            TypeError: if they are not a tensor of float32.
        """
        if not isinstance(latent, Tensor) or latent.dtype != torch.float32:
            kind = latent.dtype if isinstance(latent, Tensor) else type(latent).__name__
            raise TypeError(f"Latent frames must be a tensor of torch.float32, not of {kind}.")
        if latent.shape[1:] != (self.codec.backbone.dim,):
            raise ValueError(f"Latent frames must be [t, {self.codec.backbone.dim}], not {tuple(latent.shape)}.")
        if not len(latent):
            return self._samples(None, latent.device)
        phase, self._phase_state = self.codec.advance_phase(latent.T[None], self._phase_state)
        frames = latent if phase is None else torch.cat([latent, phase[0].T], dim=1)
        return self._samples(self._buffer.push(frames), latent.device)

    def flush(self) -> Tensor:
        """The remaining samples [l] at the end of the recording. The next push starts another one."""
        rest = self._samples(self._buffer.flush(), next(self.codec.parameters()).device)
        self._remaining, self._whole, self._phase_state = 0, True, None
        return rest

    def _samples(self, frames: Tensor | None, device: torch.device) -> Tensor:
        """Frames of samples [t, hop] -> samples [l], not more than announced."""
        if frames is None:
            return torch.zeros(0, dtype=torch.float32, device=device)
        wav = frames.reshape(-1)[: self._remaining]
        self._remaining -= len(wav)
        return wav

    @torch.no_grad()
    def _decode(self, frames: Tensor) -> Tensor:
        """Latent frames followed by their phase [t, D + X] -> frames of samples [t, hop]."""
        latent, phase = frames.T[None].tensor_split([self.codec.backbone.dim], dim=1)
        wav = self.codec.synthesize(latent, phase=phase if phase.shape[1] else None)
        return wav[0].view(-1, self.codec.hop)


def check_block(wav: Tensor) -> Tensor:
    """The block of samples, if it is [l].

    Raises:
        ValueError: if it has another shape.
    """
    if wav.ndim != 1:
        raise ValueError(f"A block of samples is [l], of one channel of one recording, not {tuple(wav.shape)}.")
    return wav


def require_receptive_field(codec: DeCodec) -> ReceptiveField:
    """The receptive field of the codec.

    Raises:
        ValueError: if it is unlimited.
    """
    if codec.receptive_field is None:
        raise ValueError(
            "This codec is recurrent (its receptive field is unlimited), so recordings cannot be processed in blocks; "
            "encode and decode them whole."
        )
    return codec.receptive_field
