"""Tar files against single files: start, memory and speed of reading training segments.

    python -m benchmarks.shards data/open/speech_train --copies 50

Writes shards of the recordings below --work, lists them --copies times for a larger corpus, and once more for a table
of a million rows. Each measurement runs in a process of its own.
"""

import argparse
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from espnet2_decodec.data.sampler import DiskSegmentSampler
from espnet2_decodec.data.segment_sampler import SegmentSampler
from espnet2_decodec.data.shard_writing import FRAMES, LIST, OFFSETS, SOURCES, WEIGHTS, finish_shards, write_shards
from espnet2_decodec.data.shards import ShardSegmentSampler
from espnet2_decodec.espnet.shard_batches import ShardBatches

LENGTH, BATCH = 20480, 16


def repeat(shards: Path, out: Path, rows: int) -> Path:
    """A folder whose list names the shards again and again, as links, up to a number of recordings."""
    out.mkdir(parents=True, exist_ok=True)
    listed = json.loads((shards / LIST).read_text())
    files, counts, total = [], [], 0
    while total < rows:
        name, count = listed["shards"][len(files) % len(listed["shards"])]
        link = out / f"{len(files):06d}.tar"
        if not link.exists():
            link.symlink_to(shards / name)
        files.append([link.name, count])
        counts.append(count)
        total += count
    for name in (FRAMES, OFFSETS, SOURCES, WEIGHTS):
        array = np.load(shards / name)
        np.save(out / name, np.concatenate([array] * (total // len(array) + 1))[:total])
    (out / LIST).write_text(json.dumps({**listed, "shards": files}))
    return out / LIST


def megabytes() -> float:
    """Memory of this process alone, without what it shares with others."""
    text = Path(f"/proc/{os.getpid()}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")) / 1024


def start(build: Callable[[], SegmentSampler]) -> tuple[SegmentSampler, float, float]:
    """A sampler, the seconds until it can be used, and the megabytes that it added."""
    before, clock = megabytes(), time.monotonic()
    sampler = build()
    sampler.segment(sampler.names[0], LENGTH, np.random.default_rng(0))
    return sampler, time.monotonic() - clock, megabytes() - before


def measure_shards(path: Path, segments: int) -> None:
    """Start, memory, the batches of an epoch, and segments a second, in the order of training."""
    sampler, seconds, size = start(lambda: ShardSegmentSampler(path, pause=(0.1, 0.4)))
    clock = time.monotonic()
    batches = ShardBatches(sampler, BATCH).read(0, max(1, segments // BATCH))
    order = time.monotonic() - clock
    report(f"shards, {len(sampler.names)} rows", seconds, size, order, sampler, [k for b in batches for k in b[:, 1]])


def measure_files(path: Path, segments: int) -> None:
    """The same for single files, drawn at random."""
    sampler, seconds, size = start(lambda: DiskSegmentSampler(path, pause=(0.1, 0.4)))
    clock = time.monotonic()
    names = [sampler.draw(np.random.default_rng(k)) for k in range(segments)]
    report(f"files, {len(sampler.names)} rows", seconds, size, time.monotonic() - clock, sampler, names)


def report(name: str, seconds: float, size: float, order: float, sampler: SegmentSampler, names: list) -> None:
    """Read segments and print a line of a table."""
    rng, clock, cpu = np.random.default_rng(1), time.monotonic(), time.process_time()
    for key in names:
        sampler.segment(key, LENGTH, rng)
    wall, used = time.monotonic() - clock, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {name} | {seconds:.2f} | {size:.0f} | {peak:.0f} | {order:.2f} | {len(names) / wall:.0f} | "
        f"{len(names) / used:.0f} |",
        flush=True,
    )


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="data directory")
    parser.add_argument("--work", type=Path, default=Path("shards_benchmark"), help="folder for the shards")
    parser.add_argument("--copies", type=int, default=50, help="size of the larger corpus in copies of the data")
    parser.add_argument("--segments", type=int, default=4000, help="segments to read")
    args = parser.parse_args()
    shards = args.work.resolve() / "shards"
    write_shards(args.data, shards)
    count = finish_shards(shards)
    print(
        "| | start, s | memory, MB | peak of the process, MB | order, s | segments/s | segments/s of processor time |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    jobs = [
        (measure_files, args.data / "wav.scp"),
        (measure_shards, shards / LIST),
        (measure_shards, repeat(shards, args.work.resolve() / "copies", args.copies * count)),
        (measure_shards, repeat(shards, args.work.resolve() / "million", 1_000_000)),
    ]
    for function, path in jobs:
        process = multiprocessing.get_context("spawn").Process(target=function, args=(path, args.segments))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
