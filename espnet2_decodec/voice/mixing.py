"""Mixing of synthesized speech of any duration with a background."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet2_decodec.codec.streaming import rechunk
from espnet2_decodec.io.gate import gain_to_snr
from espnet2_decodec.io.sample_spool import SampleSpool
from espnet2_decodec.voice.backgrounds import BLOCK_SAMPLES, Background, repeat_background


@dataclass(frozen=True)
class MixedBackground:
    """A background and its level.

    Attributes:
        background: None for none.
        gain: dB; None for 0 dB.
        snr: ratio of the mean powers of speech and background in dB, instead of the gain.
        seed: selects the excerpt of a background that is longer than the speech; None if it has the timing of the
            speech, so that it is neither shifted nor repeated.
    """

    background: Background | None
    gain: float | None = None
    snr: float | None = None
    seed: int | None = 0

    def check(self) -> None:
        """Check that the level can be reached.

        Raises:
            ValueError: if a level is given without background, as gain and SNR, or an SNR of a recording without
                background.
        """
        if self.gain is not None and self.snr is not None:
            raise ValueError("Give a gain of the background or an SNR, not both.")
        if self.background is None and (self.gain, self.snr) != (None, None):
            raise ValueError("There is no background to set the level of; give a recording of one.")
        if self.background is not None and self.snr is not None and not self.background.is_present():
            raise ValueError("An SNR cannot be reached: the recording of the background has no background.")

    def blocks(self, samples: int, sample_rate: int) -> Iterator[Tensor]:
        """Blocks of the background [l], before the gain, for a number of samples of speech; none without background."""
        if self.background is None:
            return iter(())
        if self.seed is None:
            return iter(self.background)
        return repeat_background(self.background.first_minutes(), samples, sample_rate, self.seed)


def mix_blocks(
    speech: Iterable[Tensor], background: MixedBackground, sample_rate: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Speech and its background in blocks, whose sum is the mixture. Both pass through temporary files.

    Args:
        speech: blocks of samples [l].
        background: that is mixed in.
        sample_rate: Hz.

    Returns:
        Pairs of samples [l] on the CPU, of the duration of the speech. A background that is shorter ends with zeros.

    Raises:
        ValueError: if speech or background are silent, so that an SNR cannot be reached.
    """
    with SampleSpool(speech) as spool, SampleSpool(background.blocks(spool.samples, sample_rate)) as background_spool:
        factor = 10 ** ((background.gain or 0.0) / 20)
        if background.snr is not None:
            factor = gain_to_snr(spool.power, background_spool.power, background.snr)
        rest = rechunk(background_spool, BLOCK_SAMPLES)
        for wav in rechunk(spool, BLOCK_SAMPLES):
            scaled = torch.zeros_like(wav)
            part = next(rest, scaled)[: len(wav)]
            scaled[: len(part)] = factor * part
            yield wav, scaled
