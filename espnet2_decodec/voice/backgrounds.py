"""Backgrounds of recordings under synthesized speech: separated, repeated, and mixed at a level."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.dsp.looping import loop_blocks
from espnet2_decodec.codec.streaming import decode_blocks, first_pieces, rechunk, separate_blocks
from espnet2_decodec.io import gate
from espnet2_decodec.io.stream_power import streams_present
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.coordinates import frame_powers
from espnet2_decodec.voice.speech import analyze_blocks, semantic_parts

MAX_BACKGROUND_SECONDS = 600.0
"""Limit of the background that is repeated; the rest of a longer recording is left out."""

CROSSFADE_SECONDS, FADE_SECONDS = 0.25, 0.01
"""Length of the crossfade where a background is repeated, and of the fades at both ends."""

BLOCK_SAMPLES = 2**15


class Background(ABC):
    """The background of a recording as an iterable of blocks of samples [l], for several iterations."""

    def __init__(self, codec: DeCodec):
        self.codec = codec

    @abstractmethod
    def __iter__(self) -> Iterator[Tensor]:
        """Yield blocks of samples [l]."""

    def first_samples(self) -> int:
        """Number of samples of `first_minutes`."""
        return len(self.first_minutes())

    @abstractmethod
    def is_present(self) -> bool:
        """Whether there is a background, by the rule of the gate of .dcd files."""

    def first_minutes(self) -> Tensor:
        """The first `MAX_BACKGROUND_SECONDS`, samples [N] on the CPU."""
        limit = int(MAX_BACKGROUND_SECONDS * self.codec.sample_rate)
        return torch.cat([block.cpu() for block in first_pieces(self, limit)])


class RecordedBackground(Background):
    """Background separated from audio, without quantization.

    Args:
        codec: with a semantic level.
        recording: blocks of samples [l] at the codec's sample rate, for several iterations.
    """

    def __init__(self, codec: DeCodec, recording: Iterable[Tensor]):
        super().__init__(codec)
        self.recording = recording

    def __iter__(self) -> Iterator[Tensor]:
        """Yield blocks of samples [l]."""
        for stems in separate_blocks(self.codec, self.recording, quantize=False):
            yield stems.background[0]

    def first_samples(self) -> int:
        """Number of samples of `first_minutes`, without the separation."""
        limit = int(MAX_BACKGROUND_SECONDS * self.codec.sample_rate)
        return sum(len(block) for block in first_pieces(self.recording, limit))

    @torch.no_grad()
    def is_present(self) -> bool:
        """Whether there is a background."""
        backbone, _ = semantic_parts(self.codec)
        powers = [
            torch.stack([frame_powers(speech.coordinates, backbone), backbone.frame_power(background)[0]])
            for speech, background in analyze_blocks(self.codec, self.recording)
        ]
        speech_power, background_power = torch.cat(powers, dim=1).cpu()
        return gate.streams_present(speech_power, background_power, round(self.codec.frame_rate))[1]


class CodedBackground(Background):
    """Background decoded from tokens.

    Args:
        codec: model of the tokens.
        blocks: of the tokens, for several iterations.
    """

    def __init__(self, codec: DeCodec, blocks: Iterable[Codes]):
        super().__init__(codec)
        self.blocks = blocks

    def __iter__(self) -> Iterator[Tensor]:
        """Yield blocks of samples [l]."""
        return decode_blocks(self.codec, self.blocks, speech=False)

    def is_present(self) -> bool:
        """Whether there is a background."""
        return streams_present(self.codec, self.blocks)[1]


def excerpt_offset(available: int, samples: int, seed: int) -> int:
    """First sample of a random excerpt of `samples` out of `available`; 0 if there are no more."""
    max_offset = max(0, available - samples)
    return int(torch.randint(max_offset + 1, (), generator=torch.Generator().manual_seed(seed)))


def repeat_background(background: Tensor, samples: int, sample_rate: int, seed: int | None = None) -> Iterator[Tensor]:
    """A background [N] repeated or cut to `samples`, with crossfades and faded ends, as blocks [l].

    Args:
        background: N >= 1.
        samples: in total.
        sample_rate: Hz.
        seed: selects the excerpt of a background that is longer; None for its beginning.
    """
    if seed is not None:
        background = background[excerpt_offset(len(background), samples, seed) :]
    fade, start = min(round(FADE_SECONDS * sample_rate), samples // 2), 0
    for block in rechunk(loop_blocks(background, samples, round(CROSSFADE_SECONDS * sample_rate)), BLOCK_SAMPLES):
        index = torch.arange(start, start + len(block))
        ramp = (torch.minimum(index + 1, samples - index) / (fade + 1)).clamp(max=1)
        start += len(block)
        yield block * torch.sin(torch.pi / 2 * ramp).square()
