"""The same work on every recording of a set, distributed over single-threaded processes, with a progress bar."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import torch

from espnet2_decodec.program import Stopped
from espnet2_decodec.progress import progress

Key = TypeVar("Key")
Result = TypeVar("Result")


def parallel_map(
    make_worker: Callable[[], Callable[[Key], Result]], keys: Sequence[Key], jobs: int, title: str
) -> Iterator[Result]:
    """Result of the worker for each key, in the order of the keys.

    A signal that ends this process ends the others at once, after they have removed their incomplete files.

    Args:
        make_worker: builds the worker, a function of a key; called once in each process, so it must be picklable.
        keys: ids of the recordings, or other descriptions of the work.
        jobs: number of processes; 1 runs everything in this process, with torch's own threads.
        title: label of the progress bar.

    Raises:
        ValueError: if jobs is below 1. Errors of the worker are passed on as they are.
    """
    if jobs < 1:
        raise ValueError(f"The number of jobs must be at least 1, not {jobs}.")
    if not keys:
        return
    if jobs == 1 or len(keys) < 2:
        yield from progress(map(make_worker(), keys), desc=title, total=len(keys))
        return
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _initialize, (make_worker,)) as pool:
        try:
            with _blocked_interrupts():
                results = pool.map(_run, keys)
            yield from progress(results, desc=title, total=len(keys))
        except (Stopped, KeyboardInterrupt):
            threading.excepthook = lambda _: None  # the thread of the pool takes the end of its processes for an error
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


_worker: list[Callable[[Any], Any]] = []
"""The worker of a process of the pool."""


@contextmanager
def _blocked_interrupts() -> Iterator[None]:
    """Context manager that delays Ctrl-C; processes that are started in it do not get it, but are terminated."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _initialize(make_worker: Callable[[], Callable[[Any], Any]]) -> None:
    """Build the worker in a new process."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    torch.set_num_threads(1)
    _worker[:] = [make_worker()]


def _run(key: Any) -> Any:
    """The result for one key, in a process of the pool."""
    try:
        return _worker[0](key)
    except SystemExit as stopped:  # the pool would take it for the result
        os._exit(int(stopped.code or 0))


def _stop(number: int, _: FrameType | None) -> None:
    """End this process by an exception, so that incomplete files are removed."""
    raise SystemExit(128 + number)
