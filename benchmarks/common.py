"""Shared code of the benchmarks: interleaved timing, description of the machine, Markdown tables."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import torch

from espnet2_decodec import DeCodec

REPOSITORY = Path(__file__).resolve().parent.parent


def load_codec(folder: Path | None) -> DeCodec:
    """The codec in a folder; None for the default config with random weights, which has the same speed."""
    torch.manual_seed(0)
    return (DeCodec.from_pretrained(folder) if folder else DeCodec.from_config({})).eval()


def time_interleaved(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each function, called in turns so that changes of the machine's load affect all of them.

    The first call of each is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for round_ in range(rounds + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            if round_:
                times[name].append(time.process_time() - start)
    return {name: median(values) for name, values in times.items()}


def gemm_speed(size: int = 1024) -> float:
    """GFLOP/s of float32 matrix products with the current number of threads, an upper bound for this machine."""
    a, b = torch.randn(2, size, size)
    seconds = time_interleaved({"product": lambda: a @ b}, 9)["product"]
    return 2 * size**3 / seconds / 1e9


def describe_machine() -> str:
    """Machine, versions, commit and date, as lines of a Markdown list."""
    return "\n".join(
        (
            f"- machine: {_processor()}, {os.cpu_count()} logical cores, {platform.system()}",
            f"- software: Python {platform.python_version()}, torch {torch.__version__}",
            f"- threads: {torch.get_num_threads()}",
            f"- commit: {_commit()}",
            f"- date: {date.today().isoformat()}",
        )
    )


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table in which all columns but the first are right-aligned."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    match = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return match[1] if match else platform.processor() or platform.machine()


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(REPOSITORY), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "espnet2_decodec", "benchmarks")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")
