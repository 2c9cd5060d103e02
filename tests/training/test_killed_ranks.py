"""A rank that is killed ends the whole training with an error, under torchrun and under ESPnet's own launcher."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.slow

SPAWN = """
import argparse, sys, torch, torch.distributed as dist
from espnet2.tasks.abs_task import AbsTask
from espnet2_decodec.espnet.safe_task import SafeTask
from espnet2_decodec.program import run_program, stop_on_signals
from espnet2_decodec.training.ranks import watch_ranks

class Work:
    @classmethod
    def main(cls, args=None, cmd=None):
        AbsTask.main.__func__(cls, args=args, cmd=cmd)
    @classmethod
    def main_worker(cls, args):
        rank = args.dist_rank
        dist.init_process_group("gloo", init_method="file://" + sys.argv[1] + "/meet", rank=rank, world_size=2)
        with watch_ranks():
            open(f"{sys.argv[1]}/{rank}.pid", "w").write(str(__import__("os").getpid()))
            if rank == 1:
                __import__("time").sleep(600)
            dist.barrier()
    @staticmethod
    def check_required_command_args(args):
        pass

class Task(SafeTask, Work):
    pass

if __name__ == "__main__":
    args = argparse.Namespace(
        pretrain_path=None, print_config=False, multiprocessing_distributed=True, ngpu=2, dist_world_size=None,
        dist_rank=None, local_rank=None, dist_launcher=None, dist_init_method="env://", dist_master_addr=None,
        dist_master_port=None,
    )
    from functools import partial
    stop_on_signals()
    run_program(partial(Task.main, args))
"""


@pytest.fixture
def launch():
    """Function that starts a program; what is left of it ends with the test."""
    started = []

    def start(command: list) -> subprocess.Popen:
        started.append(subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def pids(folder: Path) -> list[int]:
    """Process ids of both ranks, as soon as they have written them, which takes long on a machine under load."""
    for _ in range(3000):
        files = [folder / f"{rank}.pid" for rank in range(2)]
        if all(file.is_file() and file.read_text() for file in files):
            return [int(file.read_text()) for file in files]
        time.sleep(0.1)
    raise AssertionError("the ranks did not start")


def ended(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def check(process: subprocess.Popen, victim: int, others: list[int], number: signal.Signals) -> str:
    """Kill a process; the whole training must end with an error within a minute, under load within as much more."""
    limit = 60 * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
    deadline = time.monotonic() + limit
    os.kill(victim, number)
    _, errors = process.communicate(timeout=limit)
    assert process.returncode not in (0, None)
    while not all(map(ended, others)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert all(map(ended, others))
    return errors


@pytest.mark.parametrize("victim", ["rank", "torchrun"])
def test_torchrun(tmp_path, launch, victim):
    for name in ("speech_train", "background_train", "speech_dev", "background_dev"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        soundfile.write(folder / "a.wav", 0.1 * np.random.default_rng(0).standard_normal(40000), 16000)
        (folder / "wav.scp").write_text(f"a {folder}/a.wav\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import os\nfrom espnet2_decodec.training.__main__ import Trainer, main\nstep = Trainer.step\n"
        "def report(self, *arguments):\n"
        f"    open('{tmp_path}/' + os.environ['RANK'] + '.pid', 'w').write(str(os.getpid()))\n"
        "    return step(self, *arguments)\n"
        "Trainer.step = report\nmain()\n"
    )
    settings = ["codec_conf.teacher=logmel", "trainer_conf.batch_size=2", "trainer_conf.segment_length=4800",
                "trainer_conf.num_backgrounds=1", "trainer_conf.eval_interval=1000"]  # fmt: skip
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*torchrun, program, "--data",
               tmp_path / "data", "--out", tmp_path / "out", "--device", "cpu", "--set", *settings]  # fmt: skip
    process = launch(command)
    ranks = pids(tmp_path)
    if victim == "rank":
        check(process, ranks[1], ranks, signal.SIGKILL)
    else:
        check(process, process.pid, ranks, signal.SIGKILL)


@pytest.mark.parametrize("victim, number", [("rank", "SIGKILL"), ("launcher", "SIGKILL"), ("launcher", "SIGTERM")])
def test_the_launcher_of_espnet(tmp_path, launch, victim, number):
    (tmp_path / "program.py").write_text(SPAWN)
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path)]
    process = launch(command)
    ranks = pids(tmp_path)
    errors = check(process, process.pid if victim == "launcher" else ranks[1], ranks, signal.Signals[number])
    assert victim == "launcher" or "A process of the training has ended" in errors
    assert number == "SIGKILL" or process.returncode == 143
