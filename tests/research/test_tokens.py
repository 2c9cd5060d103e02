"""Training of a tiny codec with a semantic level by research/tokens: its start, its steps, and how it resumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC
from espnet2_decodec.codec.decodec import DeCodec
from research.tokens import checkpoint, semantic_trainer
from research.tokens.batches import TrainingBatch
from research.tokens.semantic_bank import SemanticBank
from research.tokens.semantic_trainer import SemanticTrainer
from research.tokens.settings import Settings
from research.tokens.start import start_codec
from research.tokens.trainer import Trainer

SETTINGS = Settings(
    batch=2,
    adversarial=3,
    discriminators={"windows": [128], "channels": 4, "periods": [2], "period_channels": [4]},
    level_probs={3: 0.6, 0: 0.4},
)


@pytest.fixture
def start(tmp_path):
    """Folder of the codec to start from, made of a codec with the mdct backbone."""
    torch.manual_seed(0)
    backbone = {"name": "mdct", "n_mels": 4, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1}
    quantizer = TINY_SEMANTIC["quantizer"]
    levels = {n: quantizer[n] for n in ("speech_levels", "background_levels", "codebook_size", "parametric_levels")}
    base = DeCodec({"backbone": backbone, "split": {"speech_dim": 10, "background_dim": 10}, "quantizer": levels})
    torch.nn.init.normal_(base.subspace.weight)
    chosen = ("semantic_", "post_", "content_")
    options = {
        "backbone": {n: v for n, v in TINY_SEMANTIC["backbone"].items() if n.startswith(chosen)},
        "quantizer": {n: v for n, v in quantizer.items() if n.startswith("predictor_")},
    }
    codec = start_codec(base.eval(), options).eval()
    wav = 0.1 * torch.randn(1, 3200)
    assert torch.equal(codec.separate(wav, quantize=False).speech, base.separate(wav, quantize=False).speech)
    assert torch.equal(codec.encode(wav).background, base.encode(wav).background)
    codec.save_pretrained(tmp_path / "start")
    return tmp_path / "start"


def test_a_semantic_level_of_another_size_than_the_envelope_is_new():
    torch.manual_seed(0)
    base = DeCodec(
        {
            "backbone": {"name": "mdct", "n_mels": 4, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1},
            "split": {"speech_dim": 10, "background_dim": 10},
            "quantizer": {"speech_levels": 3, "background_levels": 2, "codebook_size": 16, "parametric_levels": 2},
        }
    )
    codec = start_codec(base, {"backbone": {"content_dim": 6}})
    wav = 0.1 * torch.randn(1, 3200)
    assert torch.equal(codec.encode(wav).background, base.encode(wav).background)
    assert codec.speech_quantizer.semantic.codebooks.shape == (1, 16, 6)


def batch(trainer: Trainer) -> TrainingBatch:
    wav = torch.from_numpy(0.1 * trainer.random.standard_normal((2, 6400))).float()
    return TrainingBatch(wav, wav)


def test_a_training_resumes_exactly_and_keeps_what_is_frozen(start, tmp_path):
    one = Trainer(SETTINGS, start)
    one.initialize_from(torch.randn(64, 10, generator=torch.Generator().manual_seed(0)))
    before = {name: value.clone() for name, value in one.codec.state_dict().items()}
    for _ in range(5):
        terms = one.train_step(batch(one))
    assert {"complex", "magnitude", "mel", "commitment", "content", "adversarial", "matching"} <= terms.keys()
    checkpoint.save(tmp_path, one.state())
    checkpoint.save(tmp_path, one.state())
    other = Trainer(replace(SETTINGS, seed=1), start)
    other.load_state(checkpoint.load(tmp_path))
    for _ in range(2):
        assert one.train_step(batch(one)) == other.train_step(batch(other))
    for trained, resumed in ((one.codec, other.codec), (one.ema.module, other.ema.module)):
        for a, b in zip(trained.state_dict().values(), resumed.state_dict().values()):
            assert torch.equal(a, b)
    changed = {name for name, value in one.codec.state_dict().items() if not torch.equal(value, before[name])}
    parts = ("backbone.post_filter.", "backbone.decoder.", "speech_quantizer.")
    assert all(name.startswith(parts) and ".semantic." not in name for name in changed)
    for part in (
        "backbone.post_filter.",
        "backbone.decoder.",
        "speech_quantizer.predictor.",
        "speech_quantizer.waveform.",
    ):
        assert any(name.startswith(part) for name in changed)


def test_a_codec_without_a_semantic_level_is_refused(model):
    with pytest.raises(ValueError, match="is not a codec with a semantic level"):
        Trainer(SETTINGS, model)


@pytest.fixture
def features(tmp_path):
    """Folder of features of two voices, of 30 and 90 frames; the targets follow from the spectra."""
    random = np.random.default_rng(0)
    plain = random.standard_normal((120, 96)).astype(np.float16)
    targets = np.tanh(plain[:, :6] + plain[:, 6:12])
    noise = 0.1 * random.standard_normal((120, 96))
    kinds = {"plain": plain, "augmented": plain + noise, "mixture": plain + 2 * noise, "targets": targets}
    for kind, values in kinds.items():
        (tmp_path / f"speech_train.{kind}").write_bytes(values.astype(np.float16).tobytes())
    rows = ["0\t30\tone\tcorpus\t\ta.wav\n", "30\t90\tother\tcorpus\t\tb.wav\n"]
    (tmp_path / "speech_train.tsv").write_text("".join(rows))
    return tmp_path


def test_the_features_of_a_segment_belong_together(features):
    bank = SemanticBank(features, "speech_train", targets_dim=6)
    batch = bank.draw_batch(4, 50, np.random.default_rng(0))
    assert batch.plain.shape == (4, 50, 96) and batch.targets.shape == (4, 50, 6)
    assert torch.allclose(batch.targets, torch.tanh(batch.plain[..., :6] + batch.plain[..., 6:12]), atol=2e-3)
    assert torch.allclose(batch.plain, batch.augmented, atol=0.8)
    assert torch.allclose(batch.augmented - batch.plain, batch.mixture - batch.augmented, atol=8e-3)


def test_an_anchor_keeps_features_and_codebook_near_those_of_the_start(start, features):
    def distance(weight: float) -> float:
        weights = {**semantic_trainer.Settings().weights, "anchor": weight}
        settings = semantic_trainer.Settings(
            batch=2, frames=40, lr=1e-2, warmup_steps=1, head={"channels": 8, "blocks": 1, "kernel": 3},
            weights=weights, keep_codebook=True,
        )  # fmt: skip
        bank = SemanticBank(features, "speech_train", targets_dim=6)
        trainer = SemanticTrainer(settings, start, targets_dim=6)
        codebook = trainer.semantic.codebooks.clone()
        trainer.initialize(bank)
        assert torch.equal(trainer.semantic.codebooks, codebook)
        for _ in range(30):
            trainer.train_step(trainer.draw(bank))
        plain = bank.draw_batch(4, 40, np.random.default_rng(1)).plain
        return float(
            (trainer.encoder.encode_log_mel(plain) - trainer.start_encoder.encode_log_mel(plain)).square().mean()
        )

    assert distance(10.0) < 0.5 * distance(0.0)


def test_the_training_of_the_semantic_level_resumes_exactly_and_keeps_everything_else(start, features, tmp_path):
    settings = semantic_trainer.Settings(batch=2, frames=40, head={"channels": 8, "blocks": 1, "kernel": 3})
    bank = SemanticBank(features, "speech_train", targets_dim=6)
    one = SemanticTrainer(settings, start, targets_dim=6)
    before = {name: value.clone() for name, value in one.codec.state_dict().items()}
    one.initialize(bank, batches=2)
    errors = [one.train_step(one.draw(bank))["middle"] for _ in range(60)]
    assert np.mean(errors[-10:]) < 0.9 * np.mean(errors[:10])
    checkpoint.save(tmp_path, one.state())
    other = SemanticTrainer(settings, start, targets_dim=6)
    other.load_state(checkpoint.load(tmp_path))
    assert one.train_step(one.draw(bank)) == other.train_step(other.draw(bank))
    changed = {name for name, value in one.codec.state_dict().items() if not torch.equal(value, before[name])}
    parts = ("backbone.semantic_encoder.", "speech_quantizer.semantic.")
    assert changed and all(name.startswith(parts) for name in changed)
    for part in parts:
        assert any(name.startswith(part) for name in changed)
