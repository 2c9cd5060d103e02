"""The loop over files, and the model that works on them."""

import os
from argparse import Namespace
from collections.abc import Callable, Sequence

import torch

from espnet2_decodec.cli.files import Job
from espnet2_decodec.cli.messages import error
from espnet2_decodec.codec.decodec import DeCodec


def load_model(args: Namespace) -> DeCodec:
    """The codec of --model on --device; sets the number of threads unless OMP_NUM_THREADS does.

    Raises:
        FileNotFoundError, ValueError: if the model or the device cannot be had.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(min(8, cores))
    name = args.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as problem:
        raise ValueError(f"Device {name!r} cannot be used: {str(problem).splitlines()[0]}") from None
    return DeCodec.from_pretrained(args.model).to(device)


def levels(args: Namespace, codec: DeCodec) -> dict[str, int | None]:
    """speech_levels and background_levels from the options, as arguments of the codec.

    Raises:
        ValueError: if the model has no such number of levels, or no such rate.
    """
    found = {}
    for stream in ("speech", "background"):
        count, kbps = getattr(args, f"{stream}_levels"), getattr(args, f"{stream}_kbps")
        most = getattr(codec, f"{stream}_levels")
        if kbps is not None:
            rates = [codec.kbps(k) for k in range(most + 1)]
            count = min(range(most + 1), key=lambda k: abs(rates[k] - kbps))
            if abs(rates[count] - kbps) > 1e-3:
                raise ValueError(
                    f"--{stream}-kbps {kbps:g} is no rate of this model; "
                    f"there are {', '.join(f'{r:.4g}' for r in rates)} kbit/s."
                )
        if count is not None and not 0 <= count <= most:
            raise ValueError(f"--{stream}-levels {count} is not within 0..{most}, which this model has.")
        found[f"{stream}_levels"] = count
    return found


def each(jobs: Sequence[Job], work: Callable[[Job], None]) -> int:
    """Do all jobs, whatever happens to some of them; the exit code.

    Every failure is one line. If there is more than one job, a last line says how many failed.
    """
    failed = 0
    for job in jobs:
        try:
            work(job)
        except (ValueError, OSError) as problem:
            failed += 1
            text = str(problem)
            known = str(job.source) in text or str(job.target) in text or isinstance(problem, OSError)
            error(problem if known else f"{job.source}: {text}")
    if failed and len(jobs) > 1:
        error(f"{failed} of {len(jobs)} files failed.")
    return 1 if failed else 0
