"""Representation swap training (RST): combinations of speech and background to decode, and their targets.

The paper decodes the speech of one mixture with the background of another. Here silence is a source, too: a stem alone
is a swap with silence, which supervises the stems.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from espnet2_decodec.data.mixing import Batch


@dataclass(frozen=True)
class Swap:
    """P decodings of a batch of B: the speech of item speech[p] with the background of item background[p].

    Attributes:
        speech: [P] int64; B stands for silence.
        background: [P] int64, likewise.
    """

    speech: Tensor
    background: Tensor

    @classmethod
    def draw(
        cls, batch: int, device: torch.device, decode_stems: bool = True, keep_background_prob: float = 0.5
    ) -> "Swap":
        """One decoding per item with its own background or that of another item, then the stems alone.

        Args:
            batch: B.
            device: of the indices.
            decode_stems: also decode every speech and every background alone (P = 3 B instead of B).
            keep_background_prob: 0 always swaps, as in the paper.
        """
        own = torch.arange(batch, device=device)
        other = own.roll(1)[torch.randperm(batch, device=device)] if batch > 1 else own
        mixed = torch.where(torch.rand(batch, device=device) < keep_background_prob, own, other)
        if not decode_stems:
            return cls(own, mixed)
        silence = torch.full_like(own, batch)
        return cls(torch.cat([own, own, silence]), torch.cat([mixed, silence, own]))

    def gather(self, speech: Tensor, background: Tensor) -> tuple[Tensor, Tensor]:
        """[B, ...] of both streams -> [P, ...] of both streams, zeros for silence."""
        return _with_silence(speech)[self.speech], _with_silence(background)[self.background]

    def target(self, batch: Batch) -> Tensor:
        """[P, L]: the true remixes."""
        speech, background = self.gather(batch.speech, batch.background)
        return speech + background

    def reference_rms(self, batch: Batch) -> Tensor:
        """[P, 1]: RMS of the louder of the mixtures that each decoding combines, at least -80 dBFS."""
        rms = batch.mixture.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4)
        return torch.maximum(*self.gather(rms, rms))

    def has_waveform(self, speech: Tensor, background: Tensor) -> Tensor:
        """[B] bool of both streams, whether they are coded as waveforms -> [P] bool, whether all parts are."""
        parametric_speech, parametric_background = self.gather(~speech, ~background)
        return ~(parametric_speech | parametric_background)


def _with_silence(rows: Tensor) -> Tensor:
    """A row of zeros appended."""
    return torch.cat([rows, torch.zeros_like(rows[:1])])
