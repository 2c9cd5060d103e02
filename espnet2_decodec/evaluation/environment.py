"""Provenance of a result: command, commit, date, machine and software."""

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import torch


def environment(device: str = "cpu") -> dict[str, str]:
    """Lines for the head of a report: command, commit, date, machine, software."""
    return {
        "command": command(),
        "commit": commit(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(device),
        "software": f"Python {platform.python_version()}, torch {torch.__version__}",
    }


def command() -> str:
    """The command line of this program, which can be run again."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    program = f"python -m {spec.name.removesuffix('.__main__')}" if spec else Path(sys.argv[0]).name
    return " ".join([program, *sys.argv[1:]])


def commit() -> str:
    """The commit of this package's source, with + if files have changed since; "unknown" outside a repository."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "-C", folder, "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return found.stdout.strip() or "unknown"


def machine(device: str = "cpu") -> str:
    """Name of the processor, number of cores, and name of the GPU if `device` is one."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    gpu = f", {torch.cuda.get_device_name(device)}" if torch.device(device).type == "cuda" else ""
    return f"{name}, {os.cpu_count()} cores{gpu}"
