"""The plain loop in two processes: one model from different batches, and resuming, with as many processes or others."""

import shutil

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.data.sampler import MemorySegmentSampler
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.options import TrainerOptions


def bank(seed: int) -> MemorySegmentSampler:
    generator = torch.Generator().manual_seed(seed)
    return MemorySegmentSampler({"a": (torch.randn(40000, generator=generator) * 3000).to(torch.int16)})


def trainer(folder: str, steps: int) -> Trainer:
    torch.manual_seed(0)
    objective = Objective(
        TINY,
        {"windows": [256], "channels": 4},
        "logmel",
        schedule={"unquantized_steps": 1, "kmeans_frames": 256, "adversarial_start": 2},
    )
    options = TrainerOptions(
        steps=steps, batch_size=2, segment_length=4800, num_backgrounds=1, eval_interval=2, warmup_steps=1
    )
    return Trainer(objective, Mixing(), options, folder)


def run(rank: int, folder: str) -> None:
    """Four steps at once, and two and two; without the learning rate's dependence on their number."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.set_num_threads(1)
    for name, stops in (("straight", (4,)), ("halves", (2, 4))):
        for steps in stops:
            worker = trainer(f"{folder}/{name}", steps)
            worker._lr_factor = lambda: 1.0
            worker.train(bank(0), bank(1))
        torch.save(worker.objective.state_dict(), f"{folder}/{name}{rank}.pt")
    worker = trainer(f"{folder}/single", 4)
    assert worker.objective.step == 2
    worker.train(bank(0), bank(1))
    torch.save(worker.objective.state_dict(), f"{folder}/single{rank}.pt")
    dist.barrier()  # gloo aborts where one rank leaves while another one still communicates
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("ranks")
    trainer(path / "single", 2).train(bank(0), bank(1))
    mp.spawn(run, (str(path),), nprocs=2)
    return path


def load(path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("name", ["straight", "single"])
def test_processes_hold_one_model(folder, name):
    """Also when they go on with the checkpoint of a single one."""
    first, second = load(folder / f"{name}0.pt"), load(folder / f"{name}1.pt")
    own = ("codebook_init", "standardize", "semantic.head.map.0")  # what each process has seen
    assert [n for n in first if not any(o in n for o in own) and not torch.equal(first[n], second[n])] == []
    assert any(not torch.equal(first[n], second[n]) for n in first), "both drew the same batches"


def test_resumed_processes_equal_uninterrupted_ones(folder):
    straight, halves = load(folder / "straight0.pt"), load(folder / "halves0.pt")
    wrong = [name for name in straight if not torch.equal(straight[name], halves[name])]
    assert wrong == []


def test_one_process_goes_on_with_a_checkpoint_of_two(folder, tmp_path, caplog):
    """From the same weights, with random numbers of its own that are the same each time."""
    found = []
    for name in ("first", "second"):
        shutil.copytree(folder / "straight", tmp_path / name)
        run = trainer(tmp_path / name, 6)
        assert run.objective.step == 4
        weights = run.objective.state_dict()
        assert all(torch.equal(value, weights[key]) for key, value in load(folder / "straight0.pt").items())
        run.train(bank(0), bank(1))
        found.append(run.objective.state_dict())
    assert int(found[0]["steps"]) == 6 and all(torch.equal(value, found[1][name]) for name, value in found[0].items())
    assert "of 2 process(es), not of 1: random numbers begin anew, and a step has 2 items" in caplog.text
