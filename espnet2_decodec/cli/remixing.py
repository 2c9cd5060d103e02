"""Decoding of the speech tokens of one recording with the background tokens of another, block by block."""

from collections.abc import Iterator
from itertools import cycle

import torch
from torch import Tensor

from espnet2_decodec.cli.console import track_seconds
from espnet2_decodec.cli.pipeline import decode
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.io.gate import gain_to_snr
from espnet2_decodec.io.stream_power import streams_present
from espnet2_decodec.types import Codes


class Remix:
    """Speech over a background that is repeated or cut to the duration of the speech.

    Args:
        codec: model of both recordings.
        speech: blocks of tokens of the recording that gives the speech.
        background: blocks of tokens of the recording that gives the background.

    Attributes:
        seconds: duration.
    """

    def __init__(self, codec: DeCodec, speech: list[Codes], background: list[Codes]):
        self.codec, self.speech, self.background = codec, speech, background
        self.seconds = sum(int(block.lengths[0]) for block in speech) / codec.sample_rate

    def decode(self) -> Iterator[Tensor]:
        """Yield blocks of samples [l]; both streams are decoded together."""
        return decode(self.codec, self._codes())

    def decode_sum(self, gain: float) -> Iterator[Tensor]:
        """Yield blocks of samples [l]: the decoded speech + gain * the decoded background."""
        return (speech + gain * background for speech, background in self._stems())

    def gain_for_snr(self, snr: float) -> float:
        """Return the gain of the background for a power ratio of `snr` dB over the whole output.

        Raises:
            ValueError: if one of the stems is silent.
        """
        speech = background = 0.0
        stems = track_seconds(self._stems(), self.seconds, "levels", lambda s: len(s[0]) / self.codec.sample_rate)
        for s, b in stems:
            speech += float(s.double().square().sum())
            background += float(b.double().square().sum())
        count = self.seconds * self.codec.sample_rate
        return gain_to_snr(speech / count, background / count, snr)

    def silent_stream(self) -> str:
        """Return which stream has nothing but leakage of the separation by the rule of the gate, or an empty string."""
        if not streams_present(self.codec, self.speech)[0]:
            return "speech"
        return "" if streams_present(self.codec, self.background)[1] else "background"

    def _stems(self) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(
            decode(self.codec, self._codes(), background=False),
            decode(self.codec, self._codes(), speech=False),
        )

    def _codes(self) -> Iterator[Codes]:
        """Yield the speech tokens with the repeated background tokens, in blocks within one block of each."""
        hop, parts = self.codec.hop, cycle(block.background for block in self.background)
        part = next(parts)
        for block in self.speech:
            speech, samples = block.speech, int(block.lengths[0])
            while speech.shape[2]:
                count = min(speech.shape[2], part.shape[2])
                length = torch.tensor([min(samples, count * hop)])
                yield Codes(speech[..., :count], part[..., :count], length, block.sample_rate)
                speech, part, samples = speech[..., count:], part[..., count:], samples - count * hop
                if not part.shape[2]:
                    part = next(parts)
