"""Conversion of a source to the voice of a prompt in blocks, with a limited look-ahead and in constant memory.

A frame depends on `CONTEXT_FRAMES` frames of the source before and after it, on `F0_FRAMES` more for the intonation,
and on what is measured on the first frames of the source: its median f0, level and voice.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.dsp.pitch import PitchEstimator
from espnet2_decodec.voice.conversion import (
    BLOCK_FRAMES,
    CONTEXT_FRAMES,
    LEVEL,
    MIN_LEVEL,
    Voice,
    encode_voice,
    predict_block,
    spectral_bias,
)
from espnet2_decodec.voice.coordinates import (
    amplify,
    frame_powers,
    median_octaves,
    pitch_condition,
    speech_level,
    speech_mask,
)
from espnet2_decodec.voice.source_buffer import SourceBuffer
from espnet2_decodec.voice.speech import Speech, semantic_parts
from espnet2_decodec.voice.voice_model import VoiceModel

F0_FRAMES = 25
"""Frames before a voiced one from which on the interpolated f0 moves to its value."""

ONSET_FRAMES, ONSET_VOICED = 25, 10
"""Speech begins where so many of so many frames are voiced."""

STATISTICS_SECONDS = 60.0
"""Default duration of the source that is measured."""


class SourceStatistics(NamedTuple):
    """What is measured on the first seconds of a source.

    Attributes:
        level: see `speech_level`.
        octaves: median log f0, see `median_octaves`.
        voice: of the source itself; None without speech, or where it is not needed.
    """

    level: float
    octaves: Tensor
    voice: Voice | None


class ConvertedBlock(NamedTuple):
    """A block before the corrections that are measured on several.

    Attributes:
        source: the frames that are converted.
        converted: [t, P] coordinates at the level `LEVEL`.
        residual: [t, E] residual of the source's envelope after its prediction from its own content and voice.
    """

    source: Speech
    converted: Tensor
    residual: Tensor


class Corrections(NamedTuple):
    """Corrections of all blocks.

    Attributes:
        residual: [E] mean of the residual over the frames with speech.
        power: above which a frame has speech.
        gain: from the level of the model to that of the source.
    """

    residual: Tensor
    power: float
    gain: float


def statistics_frames(codec: DeCodec, seconds: float) -> int:
    """Number of frames in the duration of a source that is measured.

    Raises:
        ValueError: if it is too short.
    """
    frames = round(seconds * codec.frame_rate)
    if frames < ONSET_FRAMES:
        shortest = ONSET_FRAMES / codec.frame_rate
        raise ValueError(f"A source is measured for at least {shortest:g} s, not {seconds:g} s.")
    return frames


class VoiceConverter:
    """The content, intonation, timing and level of a source in the voice of a prompt.

    Args:
        model: voice model.
        codec: with a semantic level.
        prompt: speech of the voice.
        convert_f0: whether the median f0 becomes that of the prompt.
        detail: share of the source's detail that is added to the result, see `ConvertedBlock.residual`: 0 gives more
            similarity to the voice, 1 more intelligibility.
        guidance: by how much the flow is guided away from the source's own voice, see `VoiceModel.sample`: 0.5 gives
            more similarity to the prompt and less to the source, but loses some words; more than that gives artifacts.
        bias: share of the prompt's `spectral_bias` that is added to the result.
        steps: of the flow, see `predict_coordinates`.
        temperature: of the flow.
        seed: of the noise.
        statistics_seconds: duration of the source that is measured, before the first frame is returned. A source whose
            speech begins later is silent until then.
        block_frames: frames that are converted at a time; the result does not depend on it.

    Raises:
        ValueError: if there is no speech in the prompt, or the duration of the statistics is too short.
    """

    def __init__(
        self,
        model: VoiceModel,
        codec: DeCodec,
        prompt: Speech,
        convert_f0: bool = True,
        detail: float = 0.7,
        guidance: float = 0.0,
        bias: float = 1.0,
        steps: int = 5,
        temperature: float = 0.5,
        seed: int = 0,
        statistics_seconds: float = STATISTICS_SECONDS,
        block_frames: int = BLOCK_FRAMES,
    ):
        self.model, self.backbone = model, semantic_parts(codec)[0]
        self.convert_f0, self.detail, self.steps, self.temperature = convert_f0, detail, steps, temperature
        self.guidance, self.seed, self.block_frames = guidance, seed, block_frames
        self.window = statistics_frames(codec, statistics_seconds)
        self.codec, self.voice = codec, encode_voice(model, codec, prompt)
        self.bias = bias * spectral_bias(model, codec, prompt, steps, seed)

    @property
    def look_ahead(self) -> int:
        """Frames of the source after the first one that are read before that one is returned."""
        blocks = -(-self.window // self.block_frames)
        return blocks * self.block_frames + CONTEXT_FRAMES + F0_FRAMES

    @torch.no_grad()
    def __call__(self, source: Iterable[Speech]) -> Iterator[Speech]:
        """Convert a source in parts of any sizes; returns as many frames, in blocks."""
        buffer = SourceBuffer(source, self.seed)
        yield from self._skip_silence(buffer)
        begin = buffer.start
        if not buffer.fill(begin + 1):
            return
        buffer.fill(begin + self.window)
        statistics = self._measure(Speech(*buffer.frames(begin, begin + self.window)[:2]))
        blocks, first, count = self._blocks(buffer, statistics), [], 0
        while count < self.window and (block := next(blocks, None)) is not None:
            first.append(block)
            count += len(block.converted)
        corrections = self._corrections(first, statistics.level)
        for block in chain(first, blocks):
            yield self._finished(block, corrections)

    def _skip_silence(self, buffer: SourceBuffer) -> Iterator[Speech]:
        """Yield the frames before speech where this does not begin in the first `window` frames, and drop them."""
        is_complete = buffer.fill(self.window)
        onset = self._onset(buffer)
        if onset is not None or not is_complete:
            return
        while onset is None:
            end = buffer.start + self.window - ONSET_FRAMES + 1 if is_complete else buffer.end
            yield from self._silence(buffer, end)
            if not is_complete:
                return
            is_complete = buffer.fill(buffer.start + self.window)
            onset = self._onset(buffer)
        yield from self._silence(buffer, max(onset - ONSET_FRAMES, buffer.start))

    def _onset(self, buffer: SourceBuffer) -> int | None:
        """The first buffered frame from which on there is speech, in the next `window` frames; None without it."""
        voiced = buffer.frames(buffer.start, buffer.start + self.window).coordinates[:, -1] > 0
        if len(voiced) < ONSET_FRAMES:
            return None
        found = (voiced.unfold(0, ONSET_FRAMES, 1).sum(1) >= ONSET_VOICED).nonzero()
        return buffer.start + int(found[0]) if len(found) else None

    def _silence(self, buffer: SourceBuffer, end: int) -> Iterator[Speech]:
        """Yield the frames before `end` without speech, and drop them."""
        frames = buffer.frames(buffer.start, end)
        for content, coordinates in zip(*(x.split(self.block_frames) for x in frames[:2])):
            yield Speech(content, torch.zeros_like(coordinates))
        buffer.drop(end)

    def _measure(self, source: Speech) -> SourceStatistics:
        """Statistics of the first frames."""
        level = speech_level(source.coordinates, self.backbone)
        is_needed = (self.detail or self.guidance) and level > MIN_LEVEL
        voice = encode_voice(self.model, self.codec, source) if is_needed else None
        return SourceStatistics(level, median_octaves(source.coordinates), voice)

    def _blocks(self, buffer: SourceBuffer, statistics: SourceStatistics) -> Iterator[ConvertedBlock]:
        """Predict block after block."""
        begin = buffer.start
        while True:
            buffer.fill(begin + self.block_frames + CONTEXT_FRAMES + F0_FRAMES)
            end = min(begin + self.block_frames, buffer.end)
            if begin >= end:
                return
            yield self._block(buffer, begin, end, statistics)
            begin = end
            buffer.drop(begin - CONTEXT_FRAMES)

    def _block(self, buffer: SourceBuffer, begin: int, end: int, statistics: SourceStatistics) -> ConvertedBlock:
        """Predict the frames from `begin` to `end`."""
        first, last = max(begin - CONTEXT_FRAMES, buffer.start), min(end + CONTEXT_FRAMES, buffer.end)
        frames, inside = buffer.frames(first, last), slice(begin - first, end - first)
        initial = PitchEstimator.octave_scale * statistics.octaves
        f0 = buffer.f0(first, last, F0_FRAMES, initial)
        pitch = pitch_condition(f0, frames.coordinates[:, -1] > 0, statistics.octaves)

        def predict(voice: Voice, other: Voice | None = None) -> Tensor:
            noise, steps = self.temperature * frames.noise, self.steps
            found = predict_block(self.model, frames.content, voice, pitch, noise, steps, None, other, self.guidance)
            return found[inside]

        source = Speech(frames.content[inside], frames.coordinates[inside])
        residual = torch.zeros_like(source.coordinates[:, :-2])
        if statistics.voice is not None:
            level = amplify(source.coordinates, LEVEL / statistics.level, self.backbone)
            residual = (level - predict(statistics.voice))[:, :-2]
        return ConvertedBlock(source, predict(self.voice, statistics.voice), residual)

    def _corrections(self, blocks: list[ConvertedBlock], level: float) -> Corrections:
        """Corrections from the first `window` frames, for a source with this level."""
        source = torch.cat([block.source.coordinates for block in blocks])[: self.window]
        residual = torch.cat([block.residual for block in blocks])[: self.window]
        converted = torch.cat([block.converted for block in blocks])[: self.window]
        has_speech = speech_mask(source, self.backbone)
        mean = residual[has_speech].mean(0) if has_speech.any() else torch.zeros_like(residual[0])
        converted = self._with_detail(converted, residual, mean)
        power = 1e-3 * float(frame_powers(converted, self.backbone).max())
        own = speech_level(self._with_bias(converted, power), self.backbone)
        return Corrections(mean, power, level / own if own > 0 else 1.0)

    def _finished(self, block: ConvertedBlock, corrections: Corrections) -> Speech:
        """A block with all corrections."""
        converted = self._with_detail(block.converted, block.residual, corrections.residual)
        converted = amplify(self._with_bias(converted, corrections.power), corrections.gain, self.backbone)
        own = block.source.coordinates
        log_f0 = (converted if self.convert_f0 else own)[:, -2:-1]
        pitch = torch.cat([log_f0, own[:, -1:]], dim=1) * (own[:, -1:] > 0)
        return Speech(block.source.content, torch.cat([converted[:, :-2], pitch], dim=1))

    def _with_detail(self, converted: Tensor, residual: Tensor, mean: Tensor) -> Tensor:
        """Coordinates [T, P] with the detail of the source: its residual [T, E] without the mean of that [E]."""
        return torch.cat([converted[:, :-2] + self.detail * (residual - mean), converted[:, -2:]], dim=1)

    def _with_bias(self, converted: Tensor, power: float) -> Tensor:
        """Coordinates [T, P] with the prompt's bias where there is speech, above this power."""
        active = frame_powers(converted, self.backbone)[:, None] > power
        return torch.cat([converted[:, :-2] + active * self.bias, converted[:, -2:]], dim=1)


def convert_voice(model: VoiceModel, codec: DeCodec, source: Speech, prompt: Speech, **options: Any) -> Speech:
    """A whole source in the voice of a prompt; arguments and errors as for `VoiceConverter`."""
    parts = list(VoiceConverter(model, codec, prompt, **options)([source]))
    return Speech(torch.cat([x.content for x in parts]), torch.cat([x.coordinates for x in parts]))
