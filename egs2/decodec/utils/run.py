#!/usr/bin/env python3
"""Run a command, or an array of them, on this machine, in the calling convention of Kaldi's run.pl.

    run.py [--max-jobs-run N] [--gpu N] ... [JOB=1:4] exp/log/name.JOB.log program --in split.JOB ...

JOB stands for the job's number in the log's name and in every argument. The log holds the command, what it printed, and
how it ended. Options that only a cluster needs (--gpu, --mem, --num-threads, ...) are accepted and not used, so that
queue.pl or slurm.pl can take this program's place in cmd.sh. Exit status: 0, or 1 when any job failed.
"""

import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TAIL = 15
ARRAY = re.compile(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?")


def parse(arguments: list[str]) -> tuple[dict[str, str], str, list[int], list[str]]:
    """The command line as (options, name of the job variable or "", job numbers, log and command).

    Raises:
        ValueError: if something is missing, or the range of jobs is empty.
    """
    options, rest = {}, list(arguments)
    while rest and rest[0].startswith("--"):
        if len(rest) < 2:
            raise ValueError(f"{rest[0]} needs a value.")
        name, value, *rest = rest
        options[name.lstrip("-").replace("_", "-")] = value
    variable, numbers = "", [1]
    if rest and (match := ARRAY.fullmatch(rest[0])):
        rest.pop(0)
        variable, first = match[1], int(match[2])
        numbers = list(range(first, int(match[3] or first) + 1))
        if not numbers:
            raise ValueError(f"{match[0]} has no job in it.")
    if len(rest) < 2:
        raise ValueError("A log file and a command are needed; see the head of this file.")
    if len(numbers) > 1 and variable not in rest[0]:
        raise ValueError(f"The log's name needs {variable} in it, or the jobs would share one log.")
    return options, variable, numbers, rest


def run_job(log: Path, command: list[str]) -> int:
    """Run one command, its output going to `log`; returns its exit status, 127 when it cannot be started."""
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with open(log, "w", encoding="utf-8") as file:
        print(
            "#",
            shlex.join(command),
            f"\n# Started at {time.asctime()} on {os.uname().nodename}\n#",
            file=file,
            flush=True,
        )
        try:
            status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode
        except OSError as error:
            print(f"run.py: {error}", file=file)
            status = 127
        seconds = time.monotonic() - start
        print(f"# Ended (code {status}) at {time.asctime()}, elapsed time {seconds:.0f} seconds", file=file)
    return status


def main(arguments: list[str]) -> int:
    """Run all jobs, report those that failed."""
    try:
        options, variable, numbers, rest = parse(arguments)
        most = int(options.get("max-jobs-run") or os.cpu_count() or 1)
    except ValueError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1

    def place(number: int) -> list[str]:
        return [argument.replace(variable, str(number)) if variable else argument for argument in rest]

    jobs = [(Path(log), command) for log, *command in map(place, numbers)]
    with ThreadPoolExecutor(max(most, 1)) as pool:
        statuses = list(pool.map(lambda job: run_job(*job), jobs))
    failed = [(log, status) for (log, _), status in zip(jobs, statuses) if status]
    if failed:
        log, status = failed[0]
        print(
            f"run.py: {len(failed)} of {len(jobs)} jobs failed; the first with status {status}, log {log}:",
            file=sys.stderr,
        )
        print(*log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:], sep="\n", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
