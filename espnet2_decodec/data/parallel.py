"""The same work on every recording of a set, distributed over single-threaded processes, with a progress bar."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import torch

from espnet2_decodec.progress import progress

Key = TypeVar("Key")
Result = TypeVar("Result")


def parallel_map(
    make_worker: Callable[[], Callable[[Key], Result]], keys: Sequence[Key], jobs: int, title: str
) -> Iterator[Result]:
    """Result of the worker for each key, in the order of the keys.

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
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _initialize, (make_worker,)) as pool:
        yield from progress(pool.map(_run, keys), desc=title, total=len(keys))


_worker: list[Callable[[Any], Any]] = []
"""The worker of a process of the pool."""


def _initialize(make_worker: Callable[[], Callable[[Any], Any]]) -> None:
    """Build the worker in a new process."""
    torch.set_num_threads(1)
    _worker[:] = [make_worker()]


def _run(key: Any) -> Any:
    """The result for one key, in a process of the pool."""
    return _worker[0](key)
