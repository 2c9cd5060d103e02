"""The content encoder: an option of the codec, the same alone and in a batch, saved with it, trained by itself."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.content import ContentEncoder
from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training.objective import Objective

CONTENT = {"dim": 5, "channels": 8, "blocks": 2, "kernel": 3}
TOKENS = {"levels": 2, "codebook_size": 8}


@pytest.fixture
def config(vocoder_config):
    return {**vocoder_config, "content": CONTENT}


def make(config: dict) -> DeCodec:
    torch.manual_seed(0)
    codec = DeCodec.from_config(config).eval()
    torch.nn.init.normal_(codec.backbone.encoder.out_proj.weight, std=0.1)
    return codec


@pytest.mark.parametrize("base", [{}, TINY], ids=["mdct", "spectral"])
@torch.no_grad()
def test_padding_changes_nothing(config, base):
    codec, lengths = make({**config, **base}), torch.tensor([9000, 5003])
    wav = torch.randn(2, 9000) * 0.1
    both = codec.content(wav, lengths)
    assert both.shape == (2, 5, 29)
    for row, length in enumerate(lengths.tolist()):
        alone = codec.content(wav[row : row + 1, :length])
        torch.testing.assert_close(both[row : row + 1, :, : alone.shape[2]], alone, atol=1e-5, rtol=1e-4)


def test_inputs_are_the_parameters_of_both_stems(config):
    codec = make(config)
    speech, background = torch.randn(2, 1, 12, 20)
    first = codec.content_encoder(speech, background)
    speech[:, 6:], background[:, 6:] = 0, 0
    assert torch.equal(codec.content_encoder(speech, background), first)
    assert not torch.equal(codec.content_encoder(speech, 0 * background), first)


def test_causal_content_does_not_look_ahead():
    torch.manual_seed(0)
    encoder = ContentEncoder((3, 3), 4, 8, 2, 3, causal=True)
    speech, background = torch.randn(2, 1, 3, 20)
    before = encoder(speech, background)
    speech[:, :, 12:] = 1
    torch.testing.assert_close(encoder(speech, background)[:, :, :12], before[:, :, :12])


def test_a_codec_without_content_encoder_raises():
    with pytest.raises(ValueError, match="no content encoder"):
        DeCodec.from_config(TINY).content(0.1 * torch.randn(1, 3200))
    with pytest.raises(ValueError, match="kernel must be odd"):
        ContentEncoder((3, 3), 4, kernel=4)


@torch.no_grad()
def test_tokens_code_the_content_and_padding_changes_none(config):
    codec, lengths = make({**config, "content": CONTENT | TOKENS}), torch.tensor([9000, 5003])
    wav = torch.randn(2, 9000) * 0.1
    codec.content_encoder.quantizer.init_kmeans(codec.content(wav).transpose(1, 2).flatten(0, 1))
    both = codec.content_tokens(wav, lengths)
    assert both.shape == (2, 2, 29) and both.dtype == torch.int64 and not both[1, :, 16:].any()
    for row, length in enumerate(lengths.tolist()):
        alone = codec.content_tokens(wav[row : row + 1, :length])
        assert torch.equal(both[row : row + 1, :, : alone.shape[2]], alone)
    error = codec.content(wav) - codec.content_encoder.quantizer.decode(codec.content_tokens(wav))
    assert error.square().mean() < codec.content(wav).square().mean()


def test_content_without_codebooks_has_no_tokens(config):
    with pytest.raises(ValueError, match="no codebooks"):
        make(config).content_tokens(torch.randn(1, 3200))
    with pytest.raises(ValueError, match="not finite"):
        make({**config, "content": CONTENT | TOKENS}).content_tokens(torch.full((1, 3200), torch.nan))


def test_codebooks_follow_the_content_in_training_alone(config):
    encoder = make({**config, "content": CONTENT | TOKENS}).content_encoder
    speech, background = torch.randn(2, 4, 12, 20)
    before = encoder.quantizer.codebooks.clone()
    content = encoder(speech, background)
    assert torch.equal(encoder.quantizer.codebooks, before)
    assert torch.equal(encoder.train()(speech, background), content)
    assert not torch.equal(encoder.quantizer.codebooks, before)


def test_codebooks_are_initialized_by_collected_frames(config):
    torch.manual_seed(0)
    schedule = {"content_only": True, "unquantized_steps": 2, "kmeans_frames": 64}
    objective = Objective(codec={**config, "content": CONTENT | TOKENS}, teacher="logmel", schedule=schedule).train()
    batch = Batch(torch.randn(4, 6400) * 0.05, torch.randn(4, 6400) * 0.02)
    before = [codebook.clone() for codebook in objective.codec.speech_quantizer.level_codebooks()]
    for _ in range(3):
        objective.generator_loss(batch)
    streams = objective.codebook_init.streams
    assert list(streams) == ["content"] and streams["content"].frames.any(1).all()
    content = objective.codec.eval().content(batch.mixture)
    shares = objective.codec.content_encoder.quantizer(content, torch.full((4,), 2)).metrics["perplexity"] / 8
    assert (shares > 0.5).all()
    assert all(map(torch.equal, objective.codec.speech_quantizer.level_codebooks(), before))


@torch.no_grad()
def test_it_is_saved_with_the_codec(config, tmp_path):
    codec, wav = make({**config, "content": CONTENT | TOKENS}), torch.randn(2, 6400) * 0.1
    codec.save_pretrained(tmp_path / "model")
    torch.testing.assert_close(DeCodec.from_pretrained(tmp_path / "model").content(wav), codec.content(wav))
    assert torch.equal(DeCodec.from_pretrained(tmp_path / "model").content_tokens(wav), codec.content_tokens(wav))


def test_the_content_encoder_can_be_trained_alone(config):
    torch.manual_seed(0)
    options = dict(codec=config, discriminator={"windows": [256], "channels": 4})
    objective = Objective(**options, teacher="logmel", schedule={"content_only": True}).train()
    optimizer = torch.optim.Adam(objective.generator.parameters(), 0.01)
    before = {name: value.clone() for name, value in objective.codec.state_dict().items()}
    batch = Batch(torch.randn(4, 6400) * 0.05, torch.randn(4, 6400) * 0.02)
    losses = []
    for _ in range(30):
        output = objective.generator_loss(batch)
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        losses.append(float(output.metrics["semantic"]))
    assert losses[-1] < losses[0] - 0.02
    changed = {name for name, value in objective.codec.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("content_encoder.") for name in changed)


def test_training_the_content_encoder_alone_needs_one_and_a_teacher(config, vocoder_config):
    for codec, teacher in ((vocoder_config, "logmel"), (config, None)):
        with pytest.raises(ValueError, match="content_only needs"):
            Objective(codec=codec, teacher=teacher, schedule={"content_only": True})


def test_the_teacher_guides_the_content_if_there_is_a_content_encoder(config):
    torch.manual_seed(0)
    objective = Objective(codec=config, teacher="logmel", schedule={"unquantized_steps": 0}).train()
    output = objective.generator_loss(Batch(torch.randn(4, 6400) * 0.05, torch.randn(4, 6400) * 0.02))
    assert objective.generator.semantic.head.map[1].in_channels == 5
    assert 0.3 < float(output.metrics["semantic"]) < 0.8
