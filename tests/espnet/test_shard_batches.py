"""Batches from shards: the same for every number of ranks, as many for each, and exact from any epoch on."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
import soundfile
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.preprocessor import StemPreprocessor
from espnet2_decodec.data.shard_writing import finish_shards, write_shards
from espnet2_decodec.data.shards import ShardSegmentSampler
from espnet2_decodec.espnet.codec_task import DeCodecTask
from espnet2_decodec.espnet.shard_batches import ShardBatches, ShardDataset, ShardIterFactory


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Shards of 7 recordings, the last of 2, of one speaker."""
    folder = tmp_path_factory.mktemp("shards")
    random, lines = np.random.default_rng(0), []
    for number in range(44):
        soundfile.write(folder / f"{number}.wav", 0.1 * random.standard_normal(6000), 16000, subtype="PCM_16")
        lines.append(f"u{number:02d} {folder / f'{number}.wav'}\n")
    (folder / "wav.scp").write_text("".join(lines))
    (folder / "utt2spk").write_text("".join(f"{line.split()[0]} me\n" for line in lines))
    write_shards(folder, folder / "shards", 7)
    finish_shards(folder / "shards")
    return folder / "shards" / "shards.json"


def batches(shards, size=8, rank=0, world_size=1, seed=0):
    return ShardBatches(ShardSegmentSampler(shards), size, seed, rank, world_size)


def test_every_recording_comes_once_in_a_pass_in_another_order_each_time(shards):
    first, second = (batches(shards, 4).pass_batches(number) for number in (0, 1))
    assert sorted(first.ravel()) == sorted(second.ravel()) == list(range(44))
    assert (first != second).any() and (first == batches(shards, 4).pass_batches(0)).all()
    assert (first != batches(shards, 4, seed=1).pass_batches(0)).any()


def test_a_position_has_the_same_batch_wherever_reading_begins(shards):
    whole = batches(shards).read(0, 17)
    assert len(whole) == 17 and all((one == other).all() for one, other in zip(whole[6:], batches(shards).read(6, 11)))
    positions = np.concatenate(whole)[:, 0]
    assert (positions == np.arange(17 * 8)).all()


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_share_out_the_same_batches(shards, world_size):
    whole = batches(shards).read(3, 9)
    parts = [batches(shards, rank=rank, world_size=world_size).read(3, 9) for rank in range(world_size)]
    assert {len(part) for part in parts} == {9}
    for number, batch in enumerate(whole):
        shared = np.concatenate([part[number] for part in parts])
        assert (shared[np.argsort(shared[:, 0])] == batch).all()
    with pytest.raises(ValueError, match="multiple of the number of processes, 3"):
        batches(shards, rank=0, world_size=3)


def test_probabilities_decide_how_often(shards):
    found = batches(shards)
    found.cumulative = np.cumsum(np.where(np.arange(44) == 5, 6, 1) / 49)
    count = Counter(index for number in range(40) for index in found.pass_batches(number).ravel())
    assert 4 < count[5] / np.mean([count[i] for i in range(44) if i != 5]) < 8


def factory(shards, rank=0, world_size=1, workers=0):
    sampler = ShardSegmentSampler(shards)
    preprocessor = StemPreprocessor(True, speech=sampler, segment_length=3200)

    def collate(items):
        return [name for name, _ in items], torch.stack([torch.from_numpy(item["audio"]) for _, item in items])

    return ShardIterFactory(
        ShardDataset(sampler, preprocessor), ShardBatches(sampler, 8, 0, rank, world_size), 3, workers, collate
    )


def test_epochs_continue_each_other_and_items_do_not_depend_on_workers(shards):
    epochs = [list(factory(shards).build_iter(epoch)) for epoch in (1, 2, 3)]
    again = list(factory(shards, workers=2).build_iter(3))
    assert all(names == other and torch.equal(x, y) for (names, x), (other, y) in zip(epochs[2], again))
    names = [name for epoch in epochs for batch, _ in epoch for name in batch]
    assert [int(name.partition("-")[0]) for name in names] == list(range(72))


def test_the_codec_is_trained_on_shards(corpus, options, tmp_path):
    for name in ("speech", "background"):
        write_shards(corpus / name, tmp_path / name, 5)
        finish_shards(tmp_path / name)
    speech, background = (tmp_path / name / "shards.json" for name in ("speech", "background"))
    command = [
        *(f"{speech},audio,shards" if word == f"{corpus}/speech/wav.scp,audio,sound" else word for word in options),
        "--preprocessor_conf", f"background_scp={background}", "--output_dir", str(tmp_path / "exp"),
        "--num_workers", "0", "--max_epoch", "1",
    ]  # fmt: skip
    DeCodecTask.main(cmd=command)
    assert (tmp_path / "exp" / "1epoch.pth").exists()
    (tmp_path / "speech" / "000001.tar").unlink()
    with pytest.raises(ValueError, match="shards.json: the shard .*000001.tar is missing"):
        DeCodecTask.main(cmd=[*command, "--output_dir", str(tmp_path / "other")])


class Encoder(torch.nn.Module):
    """The encoder of a codec, which is the same in all processes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.codec = DeCodec.from_config(TINY)

    def forward(self, wav):
        return self.codec.latent(wav)


def step(shards, rank, world_size, wrap):
    """Loss and gradients of the first batch of this rank."""
    _, wav = next(iter(factory(shards, rank, world_size).build_iter(1)))
    model = Encoder()
    wrapped = wrap(model)
    loss = wrapped(wav).square().mean()
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def train_rank(rank, shards, out):
    """One rank of two."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{out}/meet", rank=rank, world_size=2)
    loss, gradients = step(shards, rank, 2, partial(DistributedDataParallel, find_unused_parameters=True))
    dist.all_reduce(loss)
    torch.save((loss / 2, gradients), f"{out}/{rank}.pt")
    dist.barrier()  # gloo aborts where one rank leaves while another one still communicates
    dist.destroy_process_group()


def test_two_ranks_have_the_loss_and_gradients_of_one_with_the_whole_batch(shards, tmp_path):
    mp.spawn(train_rank, (shards, tmp_path), nprocs=2)
    loss, gradients = step(shards, 0, 1, lambda model: model)
    for rank in range(2):
        shared, found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert shared == pytest.approx(float(loss), rel=1e-5)
        assert found.keys() == gradients.keys() and found
        for name, gradient in gradients.items():
            assert torch.allclose(found[name], gradient, rtol=1e-3, atol=1e-7), name
