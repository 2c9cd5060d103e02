"""Progress of an epoch in the log of a training."""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta

from espnet2.train.reporter import SubReporter, aggregate


class EpochProgress:
    """An iterator over batches that logs loss, speed and remaining time.

    Args:
        iterator: of batches.
        reporter: that the losses go to.
        epochs: of the whole training.
        log_interval: seconds between two lines.
    """

    def __init__(self, iterator, reporter: SubReporter, epochs: int, log_interval: float = 30.0):
        self.iterator, self.reporter, self.epochs, self.log_interval = iterator, reporter, epochs, log_interval

    def __len__(self) -> int:
        return len(self.iterator)

    def __iter__(self) -> Iterator:
        logged_at, logged_steps = time.monotonic(), 0
        for step, batch in enumerate(self.iterator):
            now = time.monotonic()
            if step and now - logged_at >= self.log_interval:
                logging.info(self.line(step, logged_steps, (now - logged_at) / (step - logged_steps)))
                logged_at, logged_steps = now, step
            yield batch

    def line(self, step: int, logged_steps: int, seconds: float) -> str:
        """The line after `step` steps, with the mean loss since `logged_steps`, at `seconds` per step."""
        epoch = self.reporter.get_epoch()
        loss = float(aggregate(self.reporter.stats["loss"][logged_steps:]))
        try:
            steps = len(self)
        except TypeError:
            return f"epoch {epoch}/{self.epochs}, step {step}: loss {loss:.3f}, {1 / seconds:.2f} steps/s"
        remaining = (steps - step, steps * (self.epochs - epoch + 1) - step)
        left = [timedelta(seconds=round(seconds * count)) for count in remaining]
        return (
            f"epoch {epoch}/{self.epochs}, step {step}/{steps}: loss {loss:.3f}, {1 / seconds:.2f} steps/s, "
            f"{left[0]} left in this epoch, {left[1]} in all"
        )
