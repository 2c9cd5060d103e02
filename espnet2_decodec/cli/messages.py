"""What the command says on stderr: one line for each thing."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(f"decodec: {text}", file=sys.stderr)


def error(problem: Exception | str) -> None:
    """`decodec: error: ...`, on one line whatever the exception says."""
    if isinstance(problem, OSError) and problem.strerror:
        problem = f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    _say(f"error: {' '.join(str(problem).split())}")


def warn(text: str) -> None:
    """`decodec: warning: ...`."""
    _say(f"warning: {text}")


def note(text: str) -> None:
    """`decodec: note: ...`."""
    _say(f"note: {text}")


def progress(blocks: Iterable[Item], seconds: float, name: str, per_block) -> Iterator[Item]:
    """The same blocks, with a bar of seconds of audio, on a terminal and if it takes longer than 2 s.

    Args:
        blocks: of one recording.
        seconds: its duration.
        name: what the bar is called.
        per_block: function from a block to its seconds.
    """
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s [{remaining} left]"
    with tqdm(total=seconds, desc=name, delay=2, disable=None, leave=False, bar_format=form, file=sys.stderr) as bar:
        for block in blocks:
            yield block
            bar.update(min(per_block(block), bar.total - bar.n))
