"""Sequences of frames, and what a frame needs of its neighbors: of a whole recording, or step by step with a state."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.export.transforms import ones_of


class Frames(NamedTuple):
    """A sequence of frames.

    Attributes:
        x: [B, T, ...].
        delay: of the sequence relative to the input of the graph, in frames; 0 in a graph of whole recordings.
    """

    x: Tensor
    delay: int = 0

    def map(self, function: Callable[[Tensor], Tensor]) -> "Frames":
        """Apply a function of each frame on its own."""
        return Frames(function(self.x), self.delay)


class Context(ABC):
    """Access to neighboring frames. Frames before the start and after the end of a recording are zero."""

    @abstractmethod
    def window(self, frames: Frames, left: int, right: int) -> Frames:
        """Frames [B, T, ...] -> [B, left + T + right, ...], later by `right` frames when they come step by step."""

    @abstractmethod
    def align(self, *sequences: Frames) -> tuple[Frames, ...]:
        """Delay sequences to the largest of their delays."""

    @abstractmethod
    def valid(self, like: Frames) -> Tensor:
        """[B, T, 1]: 1 for frames of the recording, 0 for those before its start and after its end."""

    @abstractmethod
    def previous(self, like: Tensor) -> Tensor:
        """A value as the call `keep` of the step before left it, of the shape of `like`; zeros at the start."""

    @abstractmethod
    def keep(self, value: Tensor) -> None:
        """Keep a value for the next step. Each `previous` is followed by its `keep`, with no other call in between."""


class WholeRecording(Context):
    """All frames of a recording at once."""

    def window(self, frames: Frames, left: int, right: int) -> Frames:
        """Frames padded with zeros; see `Context.window`."""
        return Frames(F.pad(frames.x, (*[0, 0] * (frames.x.ndim - 2), left, right))) if left or right else frames

    def align(self, *sequences: Frames) -> tuple[Frames, ...]:
        """The same sequences; see `Context.align`."""
        return sequences

    def valid(self, like: Frames) -> Tensor:
        """Ones; see `Context.valid`."""
        return ones_of(like.x.flatten(2)[..., :1])

    def previous(self, like: Tensor) -> Tensor:
        """Zeros; see `Context.previous`."""
        return torch.zeros_like(like)

    def keep(self, value: Tensor) -> None:
        """Nothing is kept."""


class Step(Context):
    """The next frames of a recording, with a state that holds what they need of the frames before.

    Args:
        valid: [B, T], 1 for frames of the recording, 0 for those after its end, with which it is flushed.
        state: [B, S] from `next_state` of the step before, zeros at the start; None to find S.
    """

    def __init__(self, valid: Tensor, state: Tensor | None):
        self._state, self._used, self._next = state, 0, list[Tensor]()
        self._valid = {0: valid[..., None]}

    def next_state(self) -> Tensor:
        """The state for the next step [B, S], after the graph has been computed."""
        return torch.cat(self._next, dim=1)

    def window(self, frames: Frames, left: int, right: int) -> Frames:
        """Frames after those of the state; see `Context.window`."""
        if not left + right:
            return frames
        valid = self.valid(frames).to(frames.x.dtype)
        x = frames.x * valid.reshape(*valid.shape[:2], *[1] * (frames.x.ndim - 2))
        return Frames(self._extend(x, left + right), frames.delay + right)

    def align(self, *sequences: Frames) -> tuple[Frames, ...]:
        """Sequences with frames of the state before them; see `Context.align`."""
        delay = max(frames.delay for frames in sequences)
        return tuple(Frames(self._delay(frames.x, delay - frames.delay), delay) for frames in sequences)

    def valid(self, like: Frames) -> Tensor:
        """From the input, delayed; see `Context.valid`."""
        if like.delay not in self._valid:
            nearest = max(delay for delay in self._valid if delay < like.delay)
            self._valid[like.delay] = self._delay(self._valid[nearest], like.delay - nearest)
        return self._valid[like.delay]

    def previous(self, like: Tensor) -> Tensor:
        """From the state; see `Context.previous`."""
        return self._take(like)

    def keep(self, value: Tensor) -> None:
        """Append to the next state; see `Context.keep`."""
        self._next.append(value.flatten(1).float())

    def _delay(self, x: Tensor, count: int) -> Tensor:
        """Delay x [B, T, ...] by a number of frames."""
        return self._extend(x, count)[:, :-count] if count else x

    def _extend(self, x: Tensor, count: int) -> Tensor:
        """The last frames of the steps before, then x [B, T, ...]: [B, count + T, ...]."""
        extended = torch.cat([self._take(x[:, :1].expand(-1, count, *[-1] * (x.ndim - 2))), x], dim=1)
        self.keep(extended[:, -count:])
        return extended

    def _take(self, like: Tensor) -> Tensor:
        """The next part of the state, of the shape of `like`."""
        shape = [int(size) for size in like.shape[1:]]
        start, self._used = self._used, self._used + prod(shape)
        if self._state is None:
            return torch.zeros_like(like)
        return self._state[:, start : self._used].unflatten(1, shape).to(like.dtype)
