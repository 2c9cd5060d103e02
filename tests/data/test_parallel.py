"""Work in several processes: the same results in the same order, errors as they are, and signals that end all."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from operator import methodcaller

import pytest

from espnet2_decodec.data.parallel import parallel_map

PATIENCE = 300.0
"""Seconds until a process counts as one that hangs, on a machine that does much else."""
PROGRAM = """
import sys, time
from pathlib import Path
from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.program import run_program, stop_on_signals

class Worker:
    def __call__(self, key):
        with atomic_write(Path(sys.argv[1]) / key) as temporary:
            temporary.write_text("a")
            time.sleep(600)

if __name__ == "__main__":
    stop_on_signals()
    run_program(lambda: list(parallel_map(Worker, "abcdefghijkl", 2, "work")))
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order(jobs):
    keys = [f"key{i}" for i in range(7)]
    assert list(parallel_map(partial(methodcaller, "upper"), keys, jobs, "upper")) == [key.upper() for key in keys]


def test_errors_come_through():
    with pytest.raises(AttributeError, match="no attribute 'shout'"):
        list(parallel_map(partial(methodcaller, "shout"), ["a", "b"], 1, "shout"))
    with pytest.raises(ValueError, match="at least 1, not 0"):
        list(parallel_map(partial(methodcaller, "upper"), ["a"], 0, "upper"))
    assert list(parallel_map(partial(methodcaller, "upper"), [], 2, "upper")) == []


def wait_for(condition):
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def group_has_ended(group):
    """Whether no process of a group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_processes_without_incomplete_files(tmp_path, send, number):
    """A signal to the program alone, and to all of its processes, as Ctrl-C in a terminal."""
    (tmp_path / "program.py").write_text(PROGRAM)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, tmp_path / "program.py", out], stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        wait_for(lambda: process.poll() is not None or len(list(out.glob(".*.tmp"))) == 2)
        send(process.pid, number)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 128 + number and list(out.iterdir()) == []
        assert "Traceback" not in errors and f"Stopped by {number.name}" in errors
        wait_for(lambda: group_has_ended(process.pid))
    finally:
        if not group_has_ended(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
