"""A step on the parts of a batch, in one process or in two, is the step on the whole batch."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.data.mixing import Batch, Mixing
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import WEIGHTS, Objective
from espnet2_decodec.training.options import TrainerOptions

ITEMWISE = {"snr": 5.0, "waveform": 5.0, "stft": 2.0, "mel": 2.0, "adversarial": 0.1}
"""Terms that are means over the items of a batch."""


def trainer(folder, precision: str = "fp32") -> Trainer:
    """Without random choices within a step, and with gradient descent, whose updates are linear in the gradients."""
    torch.manual_seed(0)
    codec = {**TINY, "quantizer": {**TINY["quantizer"], "dead_code_threshold": 0.0}}
    schedule = dict(
        unquantized_steps=0, kmeans_frames=64, adversarial_start=0, no_quantization_prob=0.0, full_rate_prob=1.0,
        decode_stems=False, keep_background_prob=1.0,
    )  # fmt: skip
    objective = Objective(
        codec, {"windows": [256], "channels": 4}, None, dict.fromkeys(WEIGHTS, 0.0) | ITEMWISE, schedule
    ).train()
    options = TrainerOptions(
        lr=0.1,
        discriminator_lr=0.1,
        warmup_steps=1,
        batch_size=4,
        segment_length=6400,
        grad_clip=1e6,
        precision=precision,
    )
    made = Trainer(objective, Mixing(), options, folder)
    made.optimizers = [
        torch.optim.SGD(part.parameters(), 0.1) for part in (objective.generator, objective.discriminator)
    ]
    return made


def batches(count: int = 3) -> list[Batch]:
    random = torch.Generator().manual_seed(1)
    return [Batch(*(0.1 * torch.randn(4, 6400, generator=random) for _ in range(2))) for _ in range(count)]


def part(batch: Batch, number: int, count: int) -> Batch:
    return Batch(batch.speech.chunk(count)[number], batch.background.chunk(count)[number])


def run_rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    run = trainer(f"{folder}/ranks")
    losses = []
    for batch in batches():
        loss = run.step(part(batch, rank, 2))["loss"]
        dist.all_reduce(loss)
        losses.append(float(loss) / 2)
    torch.save((losses, run.objective.state_dict()), f"{folder}/{rank}.pt")
    dist.barrier()  # gloo aborts where one rank leaves while another one still communicates
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Losses and weights of three steps with whole batches."""
    run = trainer(tmp_path_factory.mktemp("whole"))
    before = {name: value.clone() for name, value in run.objective.state_dict().items()}
    losses = [float(run.step(batch)["loss"]) for batch in batches()]
    weights = run.objective.state_dict()
    for name in ("steps", "generator.codec.speech_quantizer.codebooks", "generator.codec.background_quantizer.counts"):
        assert not torch.equal(before[name], weights[name])
    assert any("discriminator" in name and not torch.equal(before[name], weights[name]) for name in weights)
    return losses, weights


def check(found, whole) -> None:
    losses, weights = whole
    assert found[0] == pytest.approx(losses, rel=1e-5)
    assert found[1].keys() == weights.keys()
    for name, value in weights.items():
        assert torch.allclose(found[1][name], value, rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("count", [2, 4])
def test_parts_of_a_batch_in_turn(tmp_path, whole, count):
    run = trainer(tmp_path)
    losses = [float(run.step(*(part(batch, k, count) for k in range(count)))["loss"]) for batch in batches()]
    check((losses, run.objective.state_dict()), whole)


def test_parts_of_a_batch_in_two_processes(tmp_path, whole):
    mp.spawn(run_rank, (str(tmp_path),), nprocs=2)
    for rank in range(2):
        check(torch.load(tmp_path / f"{rank}.pt", weights_only=True), whole)


def test_bfloat16_takes_nearly_the_same_steps_with_weights_in_float32(tmp_path, whole):
    run = trainer(tmp_path, "bf16")
    losses = [float(run.step(part(batch, 0, 2), part(batch, 1, 2))["loss"]) for batch in batches()]
    assert losses == pytest.approx(whole[0], rel=0.02) and losses != pytest.approx(whole[0], rel=1e-6)
    assert {p.dtype for p in run.objective.parameters()} == {torch.float32}


def test_codebooks_wait_for_the_last_part():
    torch.manual_seed(0)
    quantizer = ResidualVQ(4, 2, 8).train()
    before = quantizer.codebooks.clone()
    quantizer.accumulates = True
    quantizer(torch.randn(2, 4, 20), torch.tensor([2, 2]))
    assert torch.equal(quantizer.codebooks, before)
    quantizer.accumulates = False
    quantizer(torch.randn(2, 4, 20), torch.tensor([2, 2]))
    assert not torch.equal(quantizer.codebooks, before) and "_accumulated" not in quantizer.state_dict()


def test_frames_for_k_means_come_from_all_parts(tmp_path):
    torch.manual_seed(0)
    objective = Objective(TINY, {"windows": [256], "channels": 4}, None, schedule={"kmeans_frames": 160}).train()
    for number in range(2):
        objective.generator_loss(part(batches(1)[0], number, 2), (number, 2))
    frames = objective.codebook_init.streams["speech"].frames
    assert objective.step == 1 and int((frames.abs().sum(1) > 0).sum()) == 80
