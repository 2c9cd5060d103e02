"""Processes of a distributed training end together: when one was killed, or the program that started them."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch.distributed as dist

INTERVAL = 1.0
"""Seconds between two checks of the other processes."""
GRACE = 5.0
"""Seconds for which a process that is gone may only have been a little faster at the end of the training."""


def watch_parent() -> None:
    """End this process when torchrun or the process that spawned it has ended; nothing if neither started it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ and multiprocessing.parent_process() is None:
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(INTERVAL)
        _exit(f"The process {parent}, which started this one, has ended")

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def watch_ranks() -> Iterator[None]:
    """Context manager that ends this process, with status 1, when another rank on the same machine has ended.

    It starts and ends with a collective operation of all ranks. Ranks on other machines are noticed by the operations
    of the training.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        yield
        return
    own = (os.uname().nodename, os.getpid(), _start_time(os.getpid()))
    ranks: list = [None] * dist.get_world_size()
    dist.all_gather_object(ranks, own)
    others = {rank: found for rank, found in enumerate(ranks) if found[0] == own[0] and rank != dist.get_rank()}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL):
            for rank, (_, pid, start) in others.items():
                if _start_time(pid) != start and not done.wait(GRACE):
                    _exit(f"Rank {rank} (process {pid}) has ended")

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
        dist.barrier()
    finally:
        done.set()


def _start_time(pid: int) -> str | None:
    """When a process was started, to tell it from a later one with the same number; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _exit(reason: str) -> None:
    print(f"error: {reason}: the training ends; start it again to resume it.", file=sys.stderr, flush=True)
    os._exit(1)
