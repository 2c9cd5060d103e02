"""Shared code of the benchmarks: interleaved timing, description of the machine, Markdown tables."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.evaluation.environment import environment
from espnet2_decodec.evaluation.tables import bullet_list, markdown_table

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
    """Commit, date, machine and software, as lines of a Markdown list."""
    entries = environment()
    del entries["command"]
    return "\n".join(bullet_list(entries | {"threads": str(torch.get_num_threads())}))


def print_table(headings: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table."""
    print("\n".join(markdown_table(headings, rows)))
