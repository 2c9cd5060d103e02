#!/usr/bin/env python3
"""Run a command, or an array of them, on this machine, in the calling convention of Kaldi's run.pl.

    run.py [--max-jobs-run N] [--gpu N] ... [JOB=1:4] exp/log/name.JOB.log program --in split.JOB ...

JOB stands for the job's number in the name of the log and in every argument. The log contains the command, its output
and its exit status; the progress of a single job is shown on stderr, too. Options for clusters (--gpu, --mem,
--num-threads, ...) are accepted and ignored, so that queue.pl or slurm.pl can replace this program in cmd.sh. The exit
status is 0, or 1 if a job failed.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

TAIL = 15
"""Lines of the log of a failed job that are printed."""
PROGRESS = re.compile(r"[^\n]+: \d+ % \([^\n]+\), \S+ left(?=\n)")
"""A line as espnet2_decodec/progress.py writes it."""
ARRAY = re.compile(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?")


def parse(arguments: list[str]) -> tuple[dict[str, str], str, list[int], list[str]]:
    """Split the command line into options, name of the job variable or "", job numbers, and log with command.

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
            raise ValueError(f"{match[0]} contains no job.")
    if len(rest) < 2:
        raise ValueError("A log file and a command are needed, as in run.py x.log COMMAND.")
    if len(numbers) > 1 and variable not in rest[0]:
        raise ValueError(f"The name of the log must contain {variable}: the jobs cannot share one log.")
    return options, variable, numbers, rest


def run_job(log: Path, command: list[str], show: bool) -> int:
    """Run one command with its output in `log`, and show its progress.

    Returns:
        Its exit status, 127 if it cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with open(log, "w", encoding="utf-8") as file:
        head = f"# {shlex.join(command)}\n# Started at {time.asctime()} on {os.uname().nodename}\n#"
        print(head, file=file, flush=True)
        try:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            status = wait(process, log) if show else process.wait()
        except OSError as error:
            print(f"run.py: {error}", file=file)
            status = 127
        seconds = time.monotonic() - start
        print(f"# Ended (code {status}) at {time.asctime()}, elapsed time {seconds:.0f} seconds", file=file)
    return status


def wait(process: subprocess.Popen, log: Path) -> int:
    """The exit status of a process; until it ends, show the progress that it writes to its log."""
    terminal, shown = sys.stderr.isatty(), False
    with open(log, encoding="utf-8", errors="replace") as reader:
        while True:
            try:
                status = process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                line = last_progress(reader)
            if line and terminal:
                print(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K", end="", file=sys.stderr, flush=True)
                shown = True
            elif line:
                print(line, file=sys.stderr, flush=True)
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return status


def last_progress(reader: TextIO) -> str:
    """The newest line of progress since the last call, or nothing."""
    lines = PROGRESS.findall(reader.read())
    return lines[-1] if lines else ""


def main(arguments: list[str]) -> int:
    """Run all jobs, and report those that failed."""
    try:
        options, variable, numbers, rest = parse(arguments)
        max_jobs = int(options.get("max-jobs-run") or os.cpu_count() or 1)
    except ValueError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1

    def substitute(number: int) -> list[str]:
        return [argument.replace(variable, str(number)) if variable else argument for argument in rest]

    jobs = [(Path(log), command) for log, *command in map(substitute, numbers)]
    with ThreadPoolExecutor(max(max_jobs, 1)) as pool:
        statuses = list(pool.map(lambda job: run_job(job[0], job[1], len(jobs) == 1), jobs))
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
