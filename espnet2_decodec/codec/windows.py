"""A function of frames, applied to an endless sequence of frames with the margins that it needs."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor


class Window:
    """Applies `function` to frames as they come, and gives out each result once its right margin is there.

    The results are those of one call on the whole sequence: at cuts `left` frames before and `right` frames
    after are computed again, at the start and the end of the sequence nothing is added.

    Args:
        function: frames [t, ...] -> results [t, ...], each depending on `left` frames before, `right` after.
        reach: (left, right).
    """

    def __init__(self, function: Callable[[Tensor], Tensor], reach: tuple[int, int]):
        self.function, (self.left, self.right) = function, reach
        self._held: Tensor | None = None
        self._given = 0

    def push(self, frames: Tensor) -> Tensor | None:
        """The next frames [t, ...] -> the results that are ready, [t', ...]; None when there are none."""
        self._held = frames if self._held is None else torch.cat([self._held, frames])
        return self._give(len(self._held) - self.right)

    def flush(self) -> Tensor | None:
        """The results left at the end of the sequence, None when there are none. Then starts anew."""
        rest = None if self._held is None else self._give(len(self._held))
        self._held, self._given = None, 0
        return rest

    def _give(self, end: int) -> Tensor | None:
        """Results of the held frames, from the first that was not given out up to `end`."""
        if end <= self._given:
            return None
        results = self.function(self._held)[self._given : end]
        keep = max(0, end - self.left)
        self._held, self._given = self._held[keep:].clone(), end - keep
        return results


def rechunk(pieces: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Pieces [l, ...] of any length -> the same sequence in pieces of `size`, the last one shorter."""
    held, count = [], 0
    for piece in pieces:
        while len(piece):
            part, piece = piece[: size - count], piece[size - count :]
            held.append(part)
            count += len(part)
            if count == size:
                yield torch.cat(held)
                held, count = [], 0
            elif len(held) > 1000:
                held = [torch.cat(held)]
    if held:
        yield torch.cat(held)
