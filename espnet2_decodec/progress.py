"""Progress of long work: a bar on a terminal, and a line now and then in a log."""

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from tqdm import tqdm

DELAY = 2.0
"""Seconds before a bar appears; shorter work shows none."""
FIRST_LINE, MAX_INTERVAL = 5.0, 60.0
"""Seconds before the first line of a log, and at most between two lines."""
LINE = "{desc}: {percentage:.0f} % ({n_fmt} of {total_fmt} {unit}), {remaining} left"


def progress(
    iterable: Iterable | None = None, *, desc: str, total: float | None = None, unit: str = "files", **options: Any
) -> tqdm:
    """A progress bar on stderr, to be iterated over or updated by hand.

    Args:
        iterable: items to count, or None.
        desc: name of the work.
        total: number of items; by default the length of `iterable`.
        unit: plural of the unit.
        options: further arguments of `tqdm`.

    Returns:
        The bar. Where stderr is not a terminal it writes whole lines: the first after `FIRST_LINE` seconds, then at
        growing intervals of at most `MAX_INTERVAL` seconds.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    if sys.stderr.isatty():
        return tqdm(iterable, desc, total, leave=False, unit=f" {unit}", delay=DELAY, dynamic_ncols=True, **options)
    line = LINE if total else "{desc}: {n_fmt} {unit}"
    return _Lines(
        iterable, desc, total, leave=False, unit=unit, bar_format=line, miniters=1, delay=FIRST_LINE, **options
    )


class _Lines(tqdm):
    """Writes lines in place of a bar."""

    def __iter__(self) -> Iterator:
        """Count each item by `update`: tqdm's own loop keeps the first interval and miscounts when it grows."""
        try:
            for item in self.iterable:
                yield item
                self.update()
        finally:
            self.close()

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write the state as one line; an empty `msg`, by which tqdm clears its bar, is ignored."""
        if msg is None:
            self.fp.write(f"{self}\n")
            self.fp.flush()
            self.mininterval = min(max(FIRST_LINE, 0.2 * self.format_dict["elapsed"]), MAX_INTERVAL)

    def clear(self, nolock: bool = False) -> None:
        """Do nothing: a line that was written stays."""

    def refresh(self, nolock: bool = False, lock_args: tuple | None = None) -> None:
        """Write the state, but not again around each message of `tqdm.write`, which passes `nolock`."""
        if not nolock:
            super().refresh(nolock, lock_args)

    def close(self) -> None:
        """Write the final state, if earlier ones were written."""
        if not self.disable and self.last_print_n and self.n > self.last_print_n:
            self.display()
        super().close()
