#!/usr/bin/env python3
"""Run a command in its own process group, and end the whole group on SIGINT, SIGTERM, SIGHUP or SIGQUIT.

    supervise.py COMMAND [ARGUMENT ...]

The exit status is that of the command, or 128 + the number of the signal. Processes that are still there five seconds
after the signal are killed.
"""

import os
import signal
import subprocess
import sys
import time

SECONDS = 5.0
"""Time in which the processes may end by themselves."""


class Stopped(Exception):
    """A signal, whose number is the argument, was received."""


def stop(number: int, _: object) -> None:
    """Handle a signal."""
    raise Stopped(number)


def end_group(process: subprocess.Popen) -> None:
    """End all processes of a group: by SIGTERM, then by SIGKILL."""
    deadline = time.monotonic() + SECONDS
    try:
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def main(command: list[str]) -> int:
    """Run the command and return the exit status."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    process = None
    try:
        for number in signals:
            signal.signal(number, stop)
        process = subprocess.Popen(command, start_new_session=True)
        status = process.wait()
        return status if status >= 0 else 128 - status
    except Stopped as stopped:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        if process is not None:
            end_group(process)
        number = int(stopped.args[0])
        print(f"Stopped by {signal.Signals(number).name}; the same command continues.", file=sys.stderr)
        return 128 + number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
