"""A tiny codec of research/tokens: lengths, levels, batches, weights, and a training that resumes exactly."""

import pytest
import torch

from research.tokens import checkpoint
from research.tokens.batches import TrainingBatch
from research.tokens.codec import TokenCodec, TokenCodecConfig
from research.tokens.settings import Settings
from research.tokens.trainer import Trainer
from research.tokens.weights import load_weights, save_weights

SMALL = {"channels": 16, "blocks": 2, "kernel": 3}
SIZES = {
    "levels": 4, "dim": 12, "codebook_size": 16, "mdct_bands": 6, "mel_bands": 4, "content": {"dim": 8, **SMALL},
    "encoder": SMALL, "decoder": SMALL,
}  # fmt: skip


@pytest.fixture
def codec() -> TokenCodec:
    """In evaluation mode, with residual branches that matter."""
    torch.manual_seed(0)
    codec = TokenCodec(TokenCodecConfig(**SIZES)).eval()
    for stack in (codec.encoder.network, codec.decoder.network, codec.content.network):
        for block in stack.blocks:
            torch.nn.init.constant_(block.gamma, 0.5)
    return codec


@pytest.mark.parametrize("length", [1, 319, 320, 321, 5000])
def test_the_length_is_exact(codec, length):
    lengths = torch.tensor([length])
    codes = codec.encode(torch.randn(1, length), lengths)
    assert codes.shape == (1, 4, -(-length // 320))
    assert codec.decode(codes, lengths).shape == (1, length)


def test_a_batch_is_the_same_as_one_by_one(codec):
    wavs, lengths = 0.1 * torch.randn(3, 9000), torch.tensor([9000, 4321, 700])
    codes = codec.encode(wavs, lengths)
    decoded = codec.decode(codes, lengths)
    for i, length in enumerate(lengths.tolist()):
        alone = codec.encode(wavs[i : i + 1, :length], lengths[i : i + 1])
        assert torch.equal(alone[0], codes[i, :, : alone.shape[2]])
        one = codec.decode(alone, lengths[i : i + 1])[0]
        torch.testing.assert_close(one, decoded[i, :length], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_any_number_of_leading_levels_decodes(codec, levels):
    wav = 0.1 * torch.randn(1, 3200)
    codes = codec.encode(wav)
    assert torch.equal(codec.encode(wav, levels=levels), codes[:, :levels])
    assert torch.isfinite(codec.decode(codes[:, :levels])).all()


def test_content_ignores_gain(codec):
    wav = 0.1 * torch.randn(1, 320 * 60)
    plain = codec.encode(wav, levels=1)
    for gain in (0.5, 2.0):
        assert (codec.encode(gain * wav, levels=1) == plain).float().mean() > 0.98


def test_exported_weights_are_the_weights_in_half_precision(codec, tmp_path):
    save_weights(codec.state_dict(), tmp_path)
    state = load_weights(tmp_path)
    assert state.keys() == codec.state_dict().keys()
    for name, tensor in codec.state_dict().items():
        assert torch.equal(state[name], tensor.half().float())


@pytest.fixture
def settings(codec, tmp_path) -> Settings:
    torch.save({"encoder": codec.content.state_dict()}, tmp_path / "content.pt")
    return Settings(
        codec=SIZES,
        content=str(tmp_path / "content.pt"),
        batch=2,
        warmup=2,
        adversarial=3,
        discriminators={"windows": [128], "channels": 4, "periods": [2], "period_channels": [4]},
        losses={"complex_windows": [256], "mel_windows": [256]},
        level_probs={4: 0.6, 0: 0.4},
    )


def batch(trainer: Trainer) -> TrainingBatch:
    wav = torch.from_numpy(0.1 * trainer.random.standard_normal((2, 6400))).float()
    return TrainingBatch(wav, wav, wav)


def test_a_training_resumes_exactly(settings, tmp_path):
    one = Trainer(settings)
    before = [p.clone() for p in one.codec.content.state_dict().values()]
    for _ in range(5):
        terms = one.train_step(batch(one))
    assert {"snr", "complex", "magnitude", "mel", "commitment", "content", "adversarial", "matching"} <= terms.keys()
    checkpoint.save(tmp_path, one.state())
    checkpoint.save(tmp_path, one.state())
    other = Trainer(settings, seed=1)
    other.load_state(checkpoint.load(tmp_path))
    for _ in range(2):
        assert one.train_step(batch(one)) == other.train_step(batch(other))
    for a, b in zip(one.codec.state_dict().values(), other.codec.state_dict().values()):
        assert torch.equal(a, b)
    for a, b in zip(one.ema.module.parameters(), other.ema.module.parameters()):
        assert torch.equal(a, b)
    assert all(torch.equal(a, b) for a, b in zip(before, one.codec.content.state_dict().values()))


def test_a_training_starts_from_exported_weights(codec, settings, tmp_path):
    save_weights(codec.state_dict(), tmp_path / "weights")
    trainer = Trainer(settings)
    trainer.init_from(tmp_path / "weights")
    assert torch.equal(trainer.codec.quantizer.waveform.codebooks, codec.quantizer.waveform.codebooks.half().float())
    assert torch.isfinite(torch.tensor(list(trainer.train_step(batch(trainer)).values()))).all()
