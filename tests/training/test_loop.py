"""The plain training loop: resuming, the saved model, segments from memory."""

from pathlib import Path

import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.data.sampler import MemorySegmentSampler
from espnet2_decodec.training.data import validation_batches
from espnet2_decodec.training.loop import Trainer
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.options import TrainerOptions


def sampler(seed: int) -> MemorySegmentSampler:
    generator = torch.Generator().manual_seed(seed)
    return MemorySegmentSampler({name: (torch.randn(9000, generator=generator) * 3000).short() for name in "ab"})


def trainer(folder: Path, steps: int) -> Trainer:
    torch.manual_seed(0)
    schedule = dict(reconstruction_steps=1, unquantized_steps=2, kmeans_frames=200, adversarial_start=3)
    objective = Objective(TINY, {"windows": [256], "channels": 4}, "logmel", schedule=schedule)
    options = TrainerOptions(
        steps=steps, batch_size=4, segment_length=4800, num_backgrounds=2, eval_interval=3, warmup_steps=2, minutes=60
    )
    return Trainer(objective, Mixing(), options, folder)


def constant_lr(trainer: Trainer) -> Trainer:
    """Without the learning rate's dependence on the final number of steps."""
    trainer._lr_factor = lambda: 1.0
    return trainer


def test_resumed_training_is_uninterrupted_training(tmp_path):
    straight = constant_lr(trainer(tmp_path / "straight", 6))
    straight.train(sampler(0), sampler(1))
    constant_lr(trainer(tmp_path / "halves", 3)).train(sampler(0), sampler(1))
    torch.manual_seed(123)
    resumed = constant_lr(trainer(tmp_path / "halves", 6))
    assert resumed.objective.step == 3
    resumed.train(sampler(0), sampler(1))
    for (name, a), b in zip(straight.objective.state_dict().items(), resumed.objective.state_dict().values()):
        assert torch.equal(a, b), name


@pytest.mark.parametrize("size", [0, 1000, -1000], ids=["empty", "start", "cut off"])
def test_a_damaged_checkpoint_is_replaced_by_the_one_before(tmp_path, caplog, size):
    trainer(tmp_path, 3).train(sampler(0), sampler(1))
    content = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(content[:size])
    assert trainer(tmp_path, 6).objective.step == 3
    assert (
        "checkpoint.pt cannot be resumed: it is" in caplog.text and "checkpoint.previous.pt is resumed" in caplog.text
    )
    (tmp_path / "checkpoint.previous.pt").unlink()
    with pytest.raises(ValueError, match="checkpoint.pt cannot be resumed: it is"):
        trainer(tmp_path, 6)


def test_the_matrix_stays_orthogonal_and_the_saved_model_is_the_trained_one(tmp_path):
    run = trainer(tmp_path, 5)
    run.train(sampler(0), sampler(1), validation_batches(sampler(2), sampler(3), (0.0,), 2, 6400))
    codec = run.objective.codec.eval()
    matrix = codec.subspace.matrix()
    assert float((matrix.T @ matrix - torch.eye(len(matrix))).abs().max()) <= 1e-5
    loaded = type(codec).from_pretrained(tmp_path / "model")
    wav = torch.randn(1, 5000) * 0.1
    assert loaded.decode(loaded.encode(wav)).shape == wav.shape
    assert (tmp_path / "log.jsonl").exists() and (tmp_path / "dev.jsonl").exists()


def test_a_short_track_is_repeated_and_segments_stay_within_their_track():
    flat = MemorySegmentSampler(
        {"ones": torch.full((50,), 16384, dtype=torch.int16), "none": torch.zeros(5000, dtype=torch.int16)}
    )
    segments = flat.draw(64, 200, torch.Generator().manual_seed(0))
    assert all(len(row.unique()) == 1 for row in segments)
    assert {float(row[0]) for row in segments} == {0.0, 0.5}


def test_an_unprepared_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="prepare the data first"):
        MemorySegmentSampler.from_directory(tmp_path)
