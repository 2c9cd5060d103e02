"""Training of the enhancement of decoded envelopes."""

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixing import Batch
from research.tokens import checkpoint
from research.tokens.train_enhancer import Settings, Trainer, envelope_error


@pytest.fixture
def make_trainer(semantic_codec):
    """A function from a seed to a training of a tiny codec with fitted codebooks."""
    codec = DeCodec.from_pretrained(semantic_codec)
    wav = 0.1 * torch.randn(1, 64000, generator=torch.Generator().manual_seed(0))
    codec.speech_quantizer.init_kmeans(codec.subspace.split(codec.latent(wav))[0][0].detach().T, 2)
    codec.save_pretrained(semantic_codec)
    options = {"enhancer_channels": 8, "enhancer_blocks": 1}
    return lambda seed=0: Trainer(
        Settings(backbone=options, levels={1: 0.3, 3: 0.6, 4: 0.1}, lr=1e-2, warmup_steps=1, seed=seed), semantic_codec
    )


def batch(trainer: Trainer) -> Batch:
    """Noise with a slow modulation, in softer noise."""
    noise = torch.from_numpy(trainer.random.standard_normal((2, 2, 6400))).float()
    speech = 0.1 * noise[0] * (1 + 0.8 * torch.sin(torch.arange(6400) / 700))
    return Batch(speech, 0.02 * noise[1])


def test_the_error_falls_and_all_else_stays(make_trainer):
    trainer = make_trainer()
    before = {name: value.clone() for name, value in trainer.codec.state_dict().items()}
    rows = [trainer.train_step(batch(trainer)) for _ in range(60)]
    assert rows[0]["error"] == pytest.approx(rows[0]["before"], rel=1e-3)
    assert np.mean([row["error"] / row["before"] for row in rows[-10:]]) < 0.9
    changed = {name for name, value in trainer.codec.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("backbone.enhancer.") for name in changed)


def test_a_training_resumes_exactly(make_trainer, tmp_path):
    one, other = make_trainer(), make_trainer(1)
    for _ in range(3):
        one.train_step(batch(one))
    checkpoint.save(tmp_path, one.state())
    other.load_state(checkpoint.load(tmp_path))
    assert one.train_step(batch(one)) == other.train_step(batch(other))


def test_the_error_is_in_nepers_above_a_floor(make_trainer):
    backbone = make_trainer().backbone
    envelope = torch.full((1, 5, 4), 0.15)
    assert float(envelope_error(backbone, envelope + backbone.mel_scale, envelope)) == pytest.approx(1.0, abs=0.02)
    silence = torch.zeros_like(envelope)
    assert float(envelope_error(backbone, silence, silence)) == 0


def test_a_codec_without_a_semantic_level_is_refused(model):
    with pytest.raises(ValueError, match="no semantic level"):
        Trainer(Settings(backbone={}), model)
