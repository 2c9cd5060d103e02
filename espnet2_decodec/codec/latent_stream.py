"""The state of one recording on its way to latent frames, and from there back to samples."""

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.windows import Window


class LatentEncoder:
    """Samples in, latent frames out, with the state that this needs.

    Args:
        codec: one that can be cut into blocks.
        stems: give out frames of the backbone's stems in place of the latent, [t, 2, hop].

    Attributes:
        missing: samples by which the last frame given out is short of a whole one; 0 before `flush`.
    """

    def __init__(self, codec: DeCodec, stems: bool = False):
        self.codec, self.missing = codec, 0
        left, right = reach(codec)[0]
        self._window = Window(self._stems, (left + 1, right + 1)) if stems else Window(self._encode, (left, right))
        self._rest: Tensor | None = None

    def push(self, wav: Tensor) -> Tensor | None:
        """The next samples [l] -> the latent frames [t, D] that are ready, or None."""
        if not torch.isfinite(one_channel(wav)).all():
            raise ValueError("The waveform has samples that are not finite (NaN or infinite).")
        wav = wav.to(next(self.codec.parameters()).device, torch.float32)
        wav = wav if self._rest is None else torch.cat([self._rest, wav])
        whole = len(wav) // self.codec.hop * self.codec.hop
        self.missing, self._rest = 0, wav[whole:].clone()
        return self._window.push(wav[:whole].view(-1, self.codec.hop)) if whole else None

    def flush(self) -> Tensor | None:
        """The latent frames that are left at the end, or None; sets `missing`. Then starts anew."""
        parts, rest, self._rest = [], self._rest, None
        self.missing = 0
        if rest is not None and len(rest):
            self.missing = self.codec.hop - len(rest)
            parts.append(self._window.push(torch.nn.functional.pad(rest, (0, self.missing))[None]))
        parts = [p for p in (*parts, self._window.flush()) if p is not None]
        return torch.cat(parts) if parts else None

    @torch.no_grad()
    def _encode(self, frames: Tensor) -> Tensor:
        return self.codec.latent(frames.reshape(1, -1))[0].T

    @torch.no_grad()
    def _stems(self, frames: Tensor) -> Tensor:
        return self.codec.backbone.stems(frames.reshape(1, -1))[0].unflatten(1, frames.shape).transpose(0, 1)


class LatentDecoder:
    """Latent frames in, samples out, with the state that this needs."""

    def __init__(self, codec: DeCodec):
        self.codec, self._window = codec, Window(self._decode, reach(codec)[1])
        self._left = 0
        self._whole = True
        self._clock = None

    def expect(self, samples: int) -> None:
        """Announces samples whose latent frames are pushed next; only the last may end within a frame."""
        if not self._whole:
            raise ValueError("Only the last block of a recording may end within a frame; flush before the next one.")
        self._left, self._whole = self._left + samples, samples % self.codec.hop == 0

    def push(self, latent: Tensor) -> Tensor:
        """The next latent frames [t, D] -> the samples [l] that are ready."""
        ticks, self._clock = self.codec.backbone.clock(latent.T[None], self._clock)
        frames = latent if ticks is None else torch.cat([latent, ticks[0].T], dim=1)
        return self._cut(self._window.push(frames), latent)

    def flush(self) -> Tensor:
        """The samples [l] that are left at the end. Then starts anew."""
        rest = self._cut(self._window.flush(), next(self.codec.parameters()))
        self._left, self._whole, self._clock = 0, True, None
        return rest

    def _cut(self, frames: Tensor | None, like: Tensor) -> Tensor:
        """Frames [t, hop] -> samples, no more than announced."""
        if frames is None:
            return torch.zeros(0, device=like.device)
        wav = frames.reshape(-1)[: self._left]
        self._left -= len(wav)
        return wav

    @torch.no_grad()
    def _decode(self, frames: Tensor) -> Tensor:
        """Latent frames with their ticks [t, D + X] -> samples [t, hop]."""
        latent, ticks = frames.T[None].tensor_split([self.codec.backbone.dim], dim=1)
        return self.codec.synthesize(latent, ticks=ticks if ticks.shape[1] else None)[0].view(-1, self.codec.hop)


def one_channel(wav: Tensor) -> Tensor:
    """The same block of samples, if it is [l]."""
    if wav.ndim != 1:
        raise ValueError(f"A block of samples is [l], of one channel of one recording, not {tuple(wav.shape)}.")
    return wav


def quantizers(codec: DeCodec) -> tuple[ResidualVQ, ResidualVQ]:
    """That of the speech and that of the background."""
    return codec.speech_quantizer, codec.background_quantizer


def levels_of(codec: DeCodec, *wanted: int | None) -> list[int]:
    """Checked numbers of levels of the two streams; None asks for all of them."""
    levels = []
    for name, quantizer, k in zip(("speech", "background"), quantizers(codec), wanted):
        if k is not None and not 0 <= k <= quantizer.levels:
            raise ValueError(f"{name} levels must be within 0..{quantizer.levels}, not {k}.")
        levels.append(quantizer.levels if k is None else k)
    return levels


def reach(codec: DeCodec) -> tuple[tuple[int, int], tuple[int, int]]:
    """The receptive field, or a clear refusal."""
    if codec.receptive_field is None:
        raise ValueError(
            "This codec is recurrent (its receptive field is unlimited), so recordings cannot be cut "
            "into blocks; encode and decode them whole."
        )
    return codec.receptive_field
