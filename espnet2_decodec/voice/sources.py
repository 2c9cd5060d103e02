"""Sources of voice conversion: the speech of a recording or of its tokens, in parts, and its conversion to samples."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming import BLOCK_FRAMES
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.converter import VoiceConverter
from espnet2_decodec.voice.speech import Speech, analyze_blocks, coded_parts, synthesize


class Source(ABC):
    """The speech of a recording, in parts that are made when they are needed.

    Args:
        codec: with a semantic level.

    Attributes:
        samples: number of samples of the recording, after the last part.
        is_voiced: whether a frame of the parts so far is voiced.
    """

    def __init__(self, codec: DeCodec):
        self.codec, self.samples, self.is_voiced = codec, 0, False

    def __iter__(self) -> Iterator[Speech]:
        """Yield the parts."""
        for part in self._parts():
            self.is_voiced = self.is_voiced or bool((part.coordinates[:, -1] > 0).any())
            yield part

    @abstractmethod
    def _parts(self) -> Iterator[Speech]:
        """Yield the parts, and set `samples`."""


class RecordedSource(Source):
    """Speech separated from audio, without quantization.

    Args:
        codec: with a semantic level.
        recording: blocks of samples [l] at the codec's sample rate.
        frames: number of frames that are analyzed at a time.
    """

    def __init__(self, codec: DeCodec, recording: Iterable[Tensor], frames: int = BLOCK_FRAMES):
        super().__init__(codec)
        self.recording, self.frames = recording, frames

    def _parts(self) -> Iterator[Speech]:
        def counted() -> Iterator[Tensor]:
            for wav in self.recording:
                self.samples += len(wav)
                yield wav

        self.samples = 0
        return (speech for speech, _ in analyze_blocks(self.codec, counted(), self.frames))


class CodedSource(Source):
    """Speech decoded from tokens.

    Args:
        codec: model of the tokens.
        codes: of one recording.
    """

    def __init__(self, codec: DeCodec, codes: Codes):
        super().__init__(codec)
        self.codes = codes

    def _parts(self) -> Iterator[Speech]:
        self.samples = int(self.codes.lengths[0])
        return coded_parts(self.codec, self.codes, BLOCK_FRAMES)


def convert_source(converter: VoiceConverter, source: Source, frames: int = BLOCK_FRAMES) -> Iterator[Tensor]:
    """Samples of a source in another voice, as blocks [l], as many as the source has.

    Args:
        converter: with the voice.
        source: is read when samples are needed.
        frames: number of frames that are synthesized at a time.
    """
    blocks = synthesize(source.codec, converter(source), frames=frames)
    return cut_end(blocks, lambda: source.samples, source.codec.hop)


def cut_end(blocks: Iterable[Tensor], samples: Callable[[], int], longest: int) -> Iterator[Tensor]:
    """The first samples of a signal in blocks, whose number is known after the last block.

    Args:
        blocks: samples [l].
        samples: returns their number.
        longest: number of samples at the end that may be too many.
    """
    rest, count = torch.zeros(0), 0
    for block in blocks:
        wav = torch.cat([rest.to(block), block])
        ready, rest = wav.tensor_split([max(len(wav) - longest, 0)])
        count += len(ready)
        if len(ready):
            yield ready
    yield rest[: samples() - count]
