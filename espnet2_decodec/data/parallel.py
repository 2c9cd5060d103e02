"""The same work on every recording of a set, spread over processes of one thread each, with a progress bar."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import torch
from tqdm import tqdm

Result = TypeVar("Result")


def spread(make: Callable[[], Callable[[str], Result]], keys: Sequence[str], jobs: int, title: str) -> Iterator[Result]:
    """What the worker makes of each key, in their order.

    Args:
        make: builds the worker, a function of a key; called once in each process, so it must be picklable.
        keys: of the recordings.
        jobs: processes; with 1 everything happens in this one, with torch's own threads.
        title: of the progress bar.

    Raises:
        ValueError: if jobs is below 1. Errors of the worker come through as they are.
    """
    if jobs < 1:
        raise ValueError(f"The number of jobs must be at least 1, not {jobs}.")
    with tqdm(total=len(keys), desc=title, unit="file") as bar:
        if jobs == 1 or len(keys) < 2:
            results = map(make(), keys) if keys else ()
            yield from _counted(results, bar)
            return
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _start, (make,)) as pool:
            yield from _counted(pool.map(_work, keys), bar)


def _counted(results, bar: tqdm):
    for result in results:
        bar.update()
        yield result


_worker: list[Callable[[str], object]] = []
"""That of a process of the pool."""


def _start(make: Callable[[], Callable[[str], object]]) -> None:
    """Make this process ready."""
    torch.set_num_threads(1)
    _worker[:] = [make()]


def _work(key: str) -> object:
    """The result of one recording, in a process of the pool."""
    return _worker[0](key)
