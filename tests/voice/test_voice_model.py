"""The voice model: batches, prompts of unequal lengths, losses, files."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.voice import VoiceModel
from tests.voices import OPTIONS


def inputs(batch=2, frames=12, prompt_frames=9):
    """Semantic features, pitch, prompt and its mask."""
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(batch, frames, 4, generator=generator),
        torch.zeros(batch, frames, 3),
        torch.randn(batch, prompt_frames, 10, generator=generator),
        torch.ones(batch, prompt_frames, 1),
    )


def test_a_batch_gives_the_same_as_one_by_one(voice_model):
    content, pitch, prompt, mask = inputs()
    mask[1, 5:] = 0
    noise = torch.randn(2, 12, 6, generator=torch.Generator().manual_seed(1))
    both = voice_model.sample(voice_model.condition(content, pitch, voice_model.encode_prompt(prompt, mask)), noise, 3)
    for i, length in enumerate((9, 5)):
        row = slice(i, i + 1)
        voice = voice_model.encode_prompt(prompt[row, :length], mask[row, :length])
        condition = voice_model.condition(content[row], pitch[row], voice)
        assert torch.allclose(voice_model.sample(condition, noise[row], 3), both[row], atol=1e-5)


def test_the_voice_depends_on_the_prompt_and_the_content_on_the_features(voice_model):
    content, pitch, prompt, mask = inputs()
    voice, other = (voice_model.encode_prompt(prompt[x], mask[x]) for x in (slice(1), slice(1, None)))
    first = voice_model.condition(content[:1], pitch[:1], voice)
    other_voice = voice_model.condition(content[:1], pitch[:1], other)
    other_content = voice_model.condition(content[1:], pitch[1:], voice)
    assert not torch.allclose(first.voice, other_voice.voice, atol=1e-3)
    assert torch.equal(first.voice, other_content.voice) and not torch.allclose(first.mean, other_content.mean)


def test_losses_reach_all_weights_but_the_buffers():
    torch.manual_seed(0)
    model = VoiceModel(**OPTIONS)
    torch.nn.init.normal_(model.flow_out.weight, std=0.1)
    for film in (block.film for block in [*model.condition_blocks, *model.flow_blocks]):
        torch.nn.init.normal_(film.weight, std=0.1)  # zero at the start
    content, pitch, prompt, mask = inputs()
    terms = model.losses(torch.randn(2, 12, 6), model.condition(content, pitch, model.encode_prompt(prompt, mask)))
    sum(terms.values()).backward()
    assert all(torch.isfinite(term) for term in terms.values())
    assert not [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]


def test_normalization_is_inverted(voice_model):
    x = torch.randn(5, 6)
    assert torch.allclose(voice_model.denormalize(voice_model.normalize(x)), x, atol=1e-6)


def test_a_saved_model_is_the_same(voice_model, tmp_path):
    voice_model.save_pretrained(tmp_path / "model")
    loaded = VoiceModel.from_pretrained(tmp_path / "model")
    assert loaded.options == voice_model.options and not loaded.training
    assert all(torch.equal(a, b) for a, b in zip(loaded.state_dict().values(), voice_model.state_dict().values()))


def test_wrong_models_are_refused_in_one_line(voice_model, codec, models, tmp_path):
    with pytest.raises(ValueError, match="at least 2"):
        VoiceModel(**{**OPTIONS, "condition_blocks": 1})
    with pytest.raises(ValueError, match="is a codec, but a voice model is needed here"):
        VoiceModel.from_pretrained(models / "codec")
    with pytest.raises(ValueError, match="is a voice model, but a codec is needed here"):
        DeCodec.from_pretrained(models / "voice")
    with pytest.raises(ValueError, match="needs a codec with a semantic level"):
        voice_model.check_codec(DeCodec.from_config(TINY))
    with pytest.raises(ValueError, match=r"it has 7 \+ 6 features per frame, the codec 4 \+ 6"):
        VoiceModel(**{**OPTIONS, "content_dim": 7}).check_codec(codec)
