"""Two processes on the CPU, started as torchrun starts them."""

import os
import subprocess
import sys

import pytest
import torch
from espnet2.train.distributed_utils import free_port

pytestmark = pytest.mark.slow

PROGRAM = """
import sys, torch
from espnet2_decodec.espnet.codec_task import DeCodecTask
run, kept = DeCodecTask.trainer.run.__func__, []
def keep(cls, model, **others):
    kept.append(model)
    run(cls, model=model, **others)
DeCodecTask.trainer.run = classmethod(keep)
DeCodecTask.main(cmd=sys.argv[2:])
torch.save(kept[0].state_dict(), sys.argv[1])
"""


def test_all_ranks_hold_the_same_weights_and_codebooks(options, tmp_path):
    port = free_port()
    ranks = []
    for rank in range(2):
        environment = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / f"{rank}.pth"), *options, "--max_epoch", "1",
                   "--output_dir", str(tmp_path / "exp"), "--dist_backend", "gloo"]  # fmt: skip
        ranks.append(subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True))
    for rank in ranks:
        _, errors = rank.communicate(timeout=300)
        assert rank.returncode == 0, errors[-3000:]
    first, second = (torch.load(tmp_path / f"{rank}.pth", weights_only=True) for rank in range(2))
    learned = [
        name
        for name in first
        if "codebook_init" not in name and "standardize" not in name and "semantic.head.map.0" not in name
    ]
    assert any("codebooks" in name for name in learned)
    assert [name for name in learned if not torch.equal(first[name], second[name])] == []
