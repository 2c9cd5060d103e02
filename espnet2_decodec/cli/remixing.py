"""The speech tokens of one recording with the background tokens of another, block by block."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.cli import streams
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.types import Codes


def collect(codec: DeCodec, path: str | Path, levels: dict[str, int | None], quiet: bool) -> list[Codes]:
    """All blocks of tokens of an audio or token file, as int16: 3 MB for an hour of 16 levels.

    Args:
        codec: that reads or made them.
        path: audio, .dcd or .npy.
        levels: how many of each stream to keep.
        quiet: without a note on what is converted.
    """
    path = Path(path)
    if path.suffix.lower() in (".dcd", ".npy"):
        blocks = iter(streams.open_codes(path, codec)[0])
    else:
        blocks = streams.encode(codec, streams.open_audio(path, codec, quiet), levels)
    speech, background = levels["speech_levels"], levels["background_levels"]
    return [
        replace(
            c,
            speech=c.speech[:, :speech].short().cpu(),
            background=c.background[:, :background].short().cpu(),
        )
        for c in blocks
    ]


class Remix:
    """Speech over background; the background is repeated or cut to the length of the speech.

    Args:
        codec: of both.
        speech: blocks of tokens of the recording whose speech is taken.
        background: blocks of tokens of the recording whose background is taken.
    """

    def __init__(self, codec: DeCodec, speech: list[Codes], background: list[Codes]):
        self.codec, self.speech, self.background = codec, speech, background

    def together(self) -> Iterator[Tensor]:
        """Blocks of samples [l], both streams decoded as one."""
        return streams.decode(self.codec, self._codes())

    def apart(self, gain: float) -> Iterator[Tensor]:
        """Blocks of samples [l]: the speech alone + gain * the background alone."""
        return (speech + gain * background for speech, background in self._stems())

    def gain_for(self, snr: float) -> float:
        """The gain of the background that makes the power ratio of the whole result `snr` dB.

        Raises:
            ValueError: if either is silent.
        """
        speech = background = 0.0
        for s, b in self._stems():
            speech += float(s.double().square().sum())
            background += float(b.double().square().sum())
        if not speech or not background:
            raise ValueError(f"--snr cannot be reached: the {'background' if speech else 'speech'} is silent.")
        return (speech / background) ** 0.5 / 10 ** (snr / 20)

    def _stems(self) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(
            streams.decode(self.codec, self._codes(), background=False),
            streams.decode(self.codec, self._codes(), speech=False),
        )

    def _codes(self) -> Iterator[Codes]:
        """Speech tokens beside looped background tokens, in blocks that suit both."""
        loop, part, at = 0, self.background[0], 0
        for block in self.speech:
            frames, start = block.speech.shape[2], 0
            while start < frames:
                if at == part.background.shape[2]:
                    loop, at = (loop + 1) % len(self.background), 0
                    part = self.background[loop]
                count = min(frames - start, part.background.shape[2] - at)
                samples = min(count * self.codec.hop, int(block.lengths[0]) - start * self.codec.hop)
                yield Codes(
                    block.speech[..., start : start + count].long(),
                    part.background[..., at : at + count].long(),
                    torch.tensor([samples]),
                    block.sample_rate,
                )
                start, at = start + count, at + count
