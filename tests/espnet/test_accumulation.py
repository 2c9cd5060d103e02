"""Gradient accumulation, bfloat16 and several ranks with ESPnet's trainer."""

import json

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import yaml
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.reporter import SubReporter
from torch.nn.parallel import DistributedDataParallel

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.espnet.accumulation import StepBatches
from espnet2_decodec.espnet.codec_task import DeCodecTask
from espnet2_decodec.espnet.trainer import DeCodecTrainer
from espnet2_decodec.training.objective import WEIGHTS

ITEMWISE = {"snr": 5.0, "waveform": 5.0, "stft": 2.0, "mel": 2.0, "adversarial": 0.1}
"""Terms that are means over the items of a batch."""
CODEC = {
    "codec": {**TINY, "quantizer": {**TINY["quantizer"], "dead_code_threshold": 0.0}},
    "discriminator": {"windows": [256], "channels": 4},
    "teacher": "none",
    "weights": dict.fromkeys(WEIGHTS, 0.0) | ITEMWISE,
    "schedule": {
        "unquantized_steps": 0, "kmeans_frames": 64, "adversarial_start": 0, "no_quantization_prob": 0.0,
        "full_rate_prob": 1.0, "decode_stems": False, "keep_background_prob": 1.0,
    },
}  # fmt: skip
"""Without random choices within a step."""


def batches(parts: int, count: int = 3) -> list[tuple[list[str], dict[str, torch.Tensor]]]:
    """Batches of four items, each cut into parts."""
    random, found = torch.Generator().manual_seed(1), []
    for _ in range(count):
        speech, background = (0.1 * torch.randn(4, 6400, generator=random) for _ in range(2))
        for pair in zip(speech.chunk(parts), background.chunk(parts)):
            found.append((["x"] * len(pair[0]), {"audio": sum(pair), "speech": pair[0], "background": pair[1]}))
    return found


def train(options, folder, iterator, *settings, rank: int | None = None):
    """An epoch by gradient descent; losses of the steps, and weights."""
    args = DeCodecTask.parse([*options, "--output_dir", str(folder), "--grad_clip", "1e6", *settings])
    args.codec_conf, args.distributed = CODEC, rank is not None
    torch.manual_seed(0)
    model = DeCodecTask.build_model(args)
    parts = model.codec.generator, model.codec.discriminator
    folder.mkdir(exist_ok=True)
    reporter = SubReporter("train", 1, 0)
    wrapped = DistributedDataParallel(model, find_unused_parameters=True) if args.distributed else model
    DeCodecTrainer.train_one_epoch(
        model=wrapped, optimizers=[torch.optim.SGD(part.parameters(), 0.1) for part in parts], schedulers=[None, None],
        iterator=iterator, reporter=reporter, scaler=None, summary_writer=None,
        options=DeCodecTrainer.build_options(args),
        distributed_option=DistributedOption(distributed=args.distributed, dist_rank=rank),
    )  # fmt: skip
    return [float(value.value) for value in reporter.stats["loss"]], model.state_dict()


def check(found, whole) -> None:
    assert found[0] == pytest.approx(whole[0], rel=1e-5)
    for name, value in whole[1].items():
        assert torch.allclose(found[1][name], value, rtol=1e-3, atol=1e-5), name


@pytest.fixture(scope="module")
def whole(options, tmp_path_factory):
    losses, weights = train(options, tmp_path_factory.mktemp("whole"), batches(1))
    assert len(losses) == 3 and losses[2] < losses[0] and int(weights["codec.steps"]) == 3
    return losses, weights


@pytest.mark.compat
@pytest.mark.parametrize("parts", [2, 4])
def test_accumulated_gradients_are_those_of_the_whole_batch(options, tmp_path, whole, parts):
    check(train(options, tmp_path, batches(parts), "--accum_grad", str(parts)), whole)
    line = json.loads((tmp_path / "epochs.jsonl").read_text())
    assert line["batches"] == 3


def test_bfloat16_takes_nearly_the_same_steps_with_weights_in_float32(options, tmp_path, whole):
    losses, weights = train(options, tmp_path, batches(2), "--accum_grad", "2", "--precision", "bf16")
    assert losses == pytest.approx(whole[0], rel=0.02) and losses != pytest.approx(whole[0], rel=1e-6)
    assert {value.dtype for value in weights.values()} == {torch.float32, torch.int64}


def test_a_whole_training_in_bfloat16_with_accumulated_gradients(options, tmp_path):
    """Latent regression, k-means, quantization and discriminator; the learning rate follows the steps."""
    DeCodecTask.main(cmd=[*options, "--output_dir", str(tmp_path), "--accum_grad", "2", "--precision", "bf16",
                          "--max_epoch", "1", "--num_iters_per_epoch", "15", "--num_workers", "0"])  # fmt: skip
    train, valid = map(json.loads, (tmp_path / "epochs.jsonl").read_text().splitlines())
    assert train["batches"] == 8 and train["discriminator"] > 0 and valid["distance"] < 10
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert config["scheduler_conf"]["first_cycle_steps"] == 9


def test_the_last_step_of_an_epoch_may_have_fewer_batches():
    steps = list(StepBatches(batches(1, 5), 2))
    assert len(StepBatches(batches(1, 5), 2)) == 3
    assert [len(tensors["parts"]) for _, tensors in steps] == [2, 2, 1] and [len(names) for names, _ in steps] == [
        8,
        8,
        4,
    ]


def run_rank(rank, options, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    halves = train(options, folder / "halves", batches(2)[rank::2], rank=rank)
    quarters = [batch for step in range(3) for batch in batches(4)[4 * step + 2 * rank :][:2]]
    accumulated = train(options, folder / "quarters", quarters, "--accum_grad", "2", rank=rank)
    unequal = train(options, folder / "unequal", batches(2)[: 5 if rank else 3], "--accum_grad", "2", rank=rank)
    torch.save((halves, accumulated, unequal), folder / f"{rank}.pt")
    dist.barrier()  # gloo aborts where one rank leaves while another one still communicates
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks(options, tmp_path, whole):
    """They take the steps of one rank with the whole batch; and with batches of unequal number they end together."""
    mp.spawn(run_rank, (options, tmp_path), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    for halves, accumulated, _ in (first, second):
        check(halves, whole)
        check(accumulated, whole)
    assert len(first[2][0]) == len(second[2][0]) == 2
    assert all(torch.equal(value, second[2][1][name]) for name, value in first[2][1].items())
