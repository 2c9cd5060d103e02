"""Training of a tiny voice model by research/voice."""

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.decodec import DeCodec
from research.tokens import checkpoint
from research.voice.feature_bank import FeatureBank
from research.voice.prepare_features import features, normalize_level
from research.voice.train import Settings, Trainer

MODEL = {"channels": 8, "condition_blocks": 2, "flow_blocks": 1, "prompt_blocks": 1, "voice_dim": 8, "kernel": 3}


@pytest.fixture
def bank(tmp_path, semantic_codec):
    """Features of two labels with three recordings each; the first coordinate is the number of the recording."""
    backbone = DeCodec.from_pretrained(semantic_codec).backbone
    sizes = {"content": backbone.content_dim, "perturbed": backbone.content_dim, "coordinates": backbone.parametric_dim}
    random, lines = np.random.default_rng(0), []
    values = {kind: [] for kind in sizes}
    for i in range(6):
        for kind, size in sizes.items():
            block = random.standard_normal((40, size)).astype(np.float16)
            if kind == "coordinates":
                block[:, 0] = i
            values[kind].append(block)
        lines.append(f"{40 * i}\t40\tlabel{i // 3}\tsource\t\tfile{i}\n")
    for kind in sizes:
        np.concatenate(values[kind]).tofile(tmp_path / f"speech.{kind}")
    (tmp_path / "speech.tsv").write_text("".join(lines))
    return FeatureBank(tmp_path, "speech", None, backbone.content_dim, backbone.parametric_dim)


def test_a_prompt_is_of_the_same_voice_and_of_another_recording(bank):
    random = np.random.default_rng(0)
    for _ in range(10):
        batch = bank.draw_voices(4, 30, (10, 20), 0.5, random)
        assert batch.content.shape[:2] == batch.target.shape[:2] == batch.pitch.shape[:2] == (4, 30)
        for target, prompt in zip(batch.target[..., 0], batch.prompt[..., 0]):
            ours, theirs = set(target.tolist()), set(prompt.tolist())
            assert not ours & theirs
            assert {int(i) // 3 for i in ours} == {int(i) // 3 for i in theirs}


def test_features_do_not_depend_on_the_level_of_a_recording(semantic_codec):
    backbone = DeCodec.from_pretrained(semantic_codec).backbone
    wav = 0.1 * torch.randn(8000, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(normalize_level(wav), normalize_level(0.1 * wav), atol=1e-6)
    one, other = features(backbone, wav, 0), features(backbone, 0.1 * wav, 0)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(one, other))
    assert one[0].shape == one[1].shape == (25, backbone.content_dim)
    assert one[2].shape == (25, backbone.parametric_dim)


def test_a_training_resumes_exactly(bank, semantic_codec, tmp_path):
    dims = {"content_dim": bank.values["content"].shape[1], "parameters": bank.values["coordinates"].shape[1]}
    settings = Settings(codec=str(semantic_codec), model=MODEL | dims, batch=2, frames=16, prompt_frames=(8, 16))
    one = Trainer(settings, bank)
    for _ in range(5):
        assert one.train_step(one.draw()).keys() == {"flow", "regression"}
    checkpoint.save(tmp_path, one.state())
    other = Trainer(settings, bank)
    other.load_state(checkpoint.load(tmp_path))
    for _ in range(2):
        assert one.train_step(one.draw()) == other.train_step(other.draw())
    for a, b in zip(one.ema.module.state_dict().values(), other.ema.module.state_dict().values()):
        assert torch.equal(a, b)
