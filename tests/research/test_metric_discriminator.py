"""The metric discriminator, with a score that needs no package, and how a training of the separation uses it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixing import Batch
from research import metric_discriminator
from research.metric_discriminator import METRICS, MetricDiscriminator, MetricTraining, normalized_scores
from research.separation.train import Settings, Trainer
from research.tokens import checkpoint

LENGTH = 8000


@pytest.fixture
def scores(monkeypatch):
    """Scores that fall with the power of the error, relative to that of the speech."""

    def normalized(clean, wav, metrics):
        error = (wav - clean).square().mean(1) / clean.square().mean(1)
        return torch.stack([1 / (1 + 4 * error), 1 / (1 + error), 1 / (2 + error)], dim=1)[:, : len(metrics)]

    monkeypatch.setattr(metric_discriminator, "normalized_scores", normalized)


def speech(count: int, seed: int = 0) -> torch.Tensor:
    """Modulated noise [count, LENGTH]."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(LENGTH) / 16000
    return 0.1 * torch.randn(count, LENGTH, generator=generator) * (0.1 + torch.sin(12 * time).square())


def test_clean_speech_has_the_score_1():
    pytest.importorskip("pesq", reason="pesq is not installed")
    pytest.importorskip("pystoi", reason="pystoi is not installed")
    clean = speech(1).repeat(1, 3)[0]
    noisy = clean + 0.05 * torch.randn(len(clean))
    best, worse = normalized_scores(torch.stack([clean, clean]), torch.stack([clean, noisy]))
    assert torch.allclose(best, torch.ones(2), atol=0.01)
    assert (worse >= 0).all() and (worse < best).all()


def test_predictions_ignore_the_level_and_are_the_same_in_a_batch():
    torch.manual_seed(0)
    network = MetricDiscriminator(3, bands=24, channels=(4, 8)).eval()
    clean, wav = speech(3), speech(3, 1)
    together = network(network.features(clean), network.features(wav))
    assert together.shape == (3, 3) and together.min() > 0 and together.max() < 1
    louder = network(network.features(3 * clean), network.features(0.5 * wav))
    assert torch.allclose(together, louder, atol=1e-4)
    alone = [network(network.features(clean[i : i + 1]), network.features(wav[i : i + 1])) for i in range(3)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_it_learns_the_scores_and_its_term_asks_for_better_ones(scores):
    torch.manual_seed(0)
    training, random = (
        MetricTraining(lr=3e-3, metrics=METRICS, capacity=40, replayed=8, references=1),
        np.random.default_rng(0),
    )
    losses = []
    for step in range(60):
        clean, noise = speech(4, step), torch.randn(4, LENGTH) * torch.tensor([0.01, 0.03, 0.1, 0.3])[:, None]
        result = training.train_step(clean, clean + noise, clean + 0.2 * torch.randn(4, LENGTH), random, step)
        losses.append(float(result["metric_error"]))
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    assert len(training.memory["scores"]) == 40
    gain = torch.tensor(0.5, requires_grad=True)
    clean = speech(4, 100)
    training.train_step(clean, clean + gain * 0.1 * torch.randn(4, LENGTH), clean, random, 60)["metric"].backward()
    assert gain.grad > 0


def test_the_term_of_the_separation_leaves_the_discriminator_alone(scores):
    training, clean = MetricTraining(lr=1e-3), speech(2)
    result = training.train_step(clean, speech(2, 1).requires_grad_(), clean, np.random.default_rng(0), 0)
    before = [weight.grad.clone() for weight in training.discriminator.parameters()]
    result["metric"].backward()
    assert all(torch.equal(old, weight.grad) for old, weight in zip(before, training.discriminator.parameters()))


def test_items_without_speech_have_no_term_and_those_without_a_score_are_not_learned(scores, monkeypatch):
    training, random = MetricTraining(lr=1e-3, references=2), np.random.default_rng(0)
    clean, estimate = speech(3), speech(3, 1).requires_grad_()
    clean[1] = 0
    measured = metric_discriminator.normalized_scores

    def undefined(reference, wav, metrics):
        scores = measured(reference, wav, metrics)
        scores[(reference == clean[2]).all(1), 0] = math.nan
        return scores

    monkeypatch.setattr(metric_discriminator, "normalized_scores", undefined)
    training.train_step(clean, estimate, clean + 0.1, random, 0)["metric"].backward()
    assert [bool(row.any()) for row in estimate.grad] == [True, False, True]
    assert len(training.memory["scores"]) == 3  # estimate, mixture and clean speech of one item
    assert training.discriminator.features(clean[:0]).shape == training.discriminator.features(clean)[:0].shape
    assert training.train_step(torch.zeros(3, LENGTH), estimate, estimate.detach(), random, 1) == {}


@pytest.fixture
def start(tmp_path):
    """Folder of an untrained codec."""
    torch.manual_seed(0)
    DeCodec(TINY_SEMANTIC).save_pretrained(tmp_path / "start")
    return str(tmp_path / "start")


def weights(trainer: Trainer) -> list[torch.Tensor]:
    """Of the separation."""
    return [weight.detach().clone() for weight in trainer.backbone.encoder.parameters()]


def test_it_trains_alone_at_first_and_a_training_resumes_exactly(scores, start, tmp_path):
    settings = Settings(weights={"metric": 1.0}, metric_start=2, lr_encoder=1e-2, warmup_steps=1)
    one, other = Trainer(settings, start), Trainer(Settings(lr_encoder=1e-2, warmup_steps=1), start)
    batches = [Batch(speech(2, i), 0.1 * torch.randn(2, LENGTH)) for i in range(5)]
    for i, batch in enumerate(batches[:3]):
        terms = [trainer.train_step(batch) for trainer in (one, other)]
        assert {"metric", "metric_error", "pesq", "stoi"} == terms[0].keys() - terms[1].keys()
        same = [torch.equal(*pair) for pair in zip(weights(one), weights(other))]
        assert all(same) == (i < 2)
    checkpoint.save(tmp_path / "out", one.state())
    resumed = Trainer(replace(settings, seed=1), start)
    resumed.load_state(checkpoint.load(tmp_path / "out"))
    assert [one.train_step(batch) for batch in batches[3:]] == [resumed.train_step(batch) for batch in batches[3:]]


def test_a_checkpoint_without_the_discriminator_is_resumed_with_a_new_one(scores, start):
    one = Trainer(Settings(), start)
    batch = Batch(speech(2), 0.1 * torch.randn(2, LENGTH))
    one.train_step(batch)
    other = Trainer(Settings(weights={"metric": 1.0}, metric_start=0), start)
    other.load_state(one.state())
    assert other.step == 1 and "metric" in other.train_step(batch)
