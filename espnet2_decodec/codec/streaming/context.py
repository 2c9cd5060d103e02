"""A function of a sequence of frames, applied block by block with the context that it needs."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor


class ContextBuffer:
    """Applies a function to frames as they arrive, and returns each result as soon as its right context is complete.

    The results are those of one call on the whole sequence. At the cuts, `left` frames before and `right` frames after
    a block are computed again; at the start and the end of the sequence nothing is added.

    Args:
        function: frames [t, ...] -> results [t, ...].
        context: (left, right), numbers of frames before and after a frame on which its result depends.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], context: tuple[int, int]):
        self.function, (self.left, self.right) = function, context
        self._frames: Tensor | None = None
        self._done = 0  # how many of the buffered frames have been returned

    def push(self, frames: Tensor) -> Tensor | None:
        """The next frames [t, ...] -> the results [t', ...] that are complete; None if there are none."""
        frames = frames if self._frames is None else torch.cat([self._frames, frames])
        return self._results(frames, len(frames) - self.right)

    def flush(self) -> Tensor | None:
        """The remaining results at the end of the sequence, None if there are none. Resets the buffer."""
        results = None if self._frames is None else self._results(self._frames, len(self._frames))
        self._frames, self._done = None, 0
        return results

    def _results(self, frames: Tensor, end: int) -> Tensor | None:
        """Results of the frames that have not been returned, up to `end`."""
        self._frames = frames
        if end <= self._done:
            return None
        results = self.function(frames)[self._done : end]
        start = max(0, end - self.left)
        self._frames, self._done = frames[start:].clone(), end - start
        return results


def rechunk(pieces: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Pieces [l, ...] of any length -> the same sequence in pieces of `size`; the last one may be shorter."""
    parts: list[Tensor] = []
    count = 0
    for piece in pieces:
        while len(piece):
            part, piece = piece[: size - count], piece[size - count :]
            parts.append(part)
            count += len(part)
            if count == size:
                yield torch.cat(parts)
                parts, count = [], 0
            elif len(parts) > 1000:
                parts = [torch.cat(parts)]
    if parts:
        yield torch.cat(parts)


def first_pieces(pieces: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Pieces [l, ...] of any length -> the first `size` entries of the sequence; pieces after them are not read."""
    count = 0
    for piece in pieces:
        yield piece[: size - count]
        count += len(piece)
        if count >= size:
            return
