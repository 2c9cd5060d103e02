"""Frames of a source around the block that is converted, read when they are needed."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from espnet2_decodec.voice.speech import Speech

NOISE_FRAMES = 256
"""Frames of noise that are drawn at a time; the noise of a frame depends on its position and the seed alone."""


class SourceFrames(NamedTuple):
    """Frames of a source.

    Attributes:
        content: [T, S] semantic features.
        coordinates: [T, P], see `Speech`.
        noise: [T, P] standard normal.
    """

    content: Tensor
    coordinates: Tensor
    noise: Tensor


class SourceBuffer:
    """The frames of a source from `start` to `end`, counted from its beginning.

    Args:
        parts: the source in parts of any sizes.
        seed: of the noise.

    Attributes:
        start: first buffered frame.
        end: end of the buffered frames.
    """

    def __init__(self, parts: Iterable[Speech], seed: int):
        self.start = self.end = 0
        self._parts, self._generator = iter(parts), torch.Generator().manual_seed(seed)
        self._buffered: SourceFrames | None = None
        self._noise = torch.zeros(0)
        self._voiced_before: tuple[int, Tensor] | None = None

    def fill(self, end: int) -> bool:
        """Read until the frames before `end` are buffered; returns whether the source has so many."""
        parts = [] if self._buffered is None else [self._buffered]
        while self.end < end and (part := next(self._parts, None)) is not None:
            parts.append(SourceFrames(part.content, part.coordinates, self._draw(part)))
            self.end += len(part.content)
        if parts:
            self._buffered = SourceFrames(*(torch.cat(group) for group in zip(*parts)))
        return self.end >= end

    def frames(self, first: int, end: int) -> SourceFrames:
        """The buffered frames from `first` to `end`.

        Raises:
            ValueError: if the source has no frame so far.
        """
        if self._buffered is None:
            raise ValueError("The recording has no samples.")
        part = slice(max(first - self.start, 0), max(end - self.start, 0))
        return SourceFrames(*(x[part] for x in self._buffered))

    def drop(self, first: int) -> None:
        """Forget the frames before `first`."""
        before = self.frames(self.start, first).coordinates
        voiced = (before[:, -1] > 0).nonzero()[:, 0]
        if len(voiced):
            self._voiced_before = self.start + int(voiced[-1]), before[voiced[-1], -2]
        self._buffered = SourceFrames(*(x.clone() for x in self.frames(first, self.end)))
        self.start = max(self.start, min(first, self.end))

    def f0(self, first: int, end: int, look_ahead: int, initial: Tensor) -> Tensor:
        """Interpolated log f0 of frames, see `interpolate_ahead`.

        Args:
            first: first frame.
            end: end of the frames; those of `look_ahead` after them have to be buffered if the source has them.
            look_ahead: frames.
            initial: log f0 before the first voiced frame of the source.
        """
        coordinates = self.frames(self.start, end + look_ahead).coordinates
        position, before = self._voiced_before or (-look_ahead, initial)
        found = interpolate_ahead(coordinates[:, -2], coordinates[:, -1] > 0, look_ahead, before, position - self.start)
        return found[first - self.start : end - self.start]

    def _draw(self, part: Speech) -> Tensor:
        """Noise for the frames of a part."""
        dim = part.coordinates.shape[1]
        while len(self._noise) < len(part.coordinates):
            drawn = torch.randn(NOISE_FRAMES, dim, generator=self._generator)
            self._noise = torch.cat([self._noise.view(-1, dim), drawn])
        noise, self._noise = self._noise.tensor_split([len(part.coordinates)])
        return noise.to(part.coordinates.device)


def interpolate_ahead(f0: Tensor, voiced: Tensor, look_ahead: int, before: Tensor, position: int) -> Tensor:
    """Log f0 in unvoiced frames, from the frames before and a limited number of frames after each.

    It stays at the last voiced value, and moves linearly to the next one from `look_ahead` frames before it on, or over
    the whole gap where this is shorter.

    Args:
        f0: [T] log f0, of voiced frames.
        voiced: [T] bool.
        look_ahead: frames.
        before: log f0 before the first frame.
        position: of the frame with that f0, relative to the first one: negative.

    Returns:
        [T]; the last `look_ahead` frames are right at the end of a recording alone.
    """
    time = torch.arange(len(f0), device=f0.device)
    left = torch.where(voiced, time, position).cummax(0).values
    right = torch.where(voiced, time, len(f0) + look_ahead).flip(0).cummin(0).values.flip(0)
    start = torch.where(left < 0, before.to(f0), f0[left.clamp(min=0)])
    target = torch.where(right < len(f0), f0[right.clamp(max=len(f0) - 1)], start)
    begin = torch.maximum(left, right - look_ahead)
    share = ((time - begin) / (right - begin).clamp(min=1)).clamp(0, 1)
    return start + share * (target - start)
