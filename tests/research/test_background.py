"""Scores, data, training and merging of the background stream on a tiny codec."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.config import TINY, TINY_SEMANTIC, merge_config
from espnet2_decodec.codec.decodec import DeCodec
from research.background import cases as background_cases
from research.background.codebooks import adapt_codebooks
from research.background.gate import levels_below
from research.background.losses import StatisticsLoss
from research.background.prepare import NAME, feature_bank, pieces, sampler
from research.background.score import log_mel_error, scores, stages
from research.background.train import Settings, Trainer
from research.feature_files import write_features
from research.merge import PARTS, merge
from research.tokens import checkpoint
from research.tokens.dev_set import Utterance

SETTINGS = Settings(
    batch=2,
    frames=20,
    codebook_frames=300,
    codebook_iterations=2,
    codebook_steps=3,
    level_probs={1: 0.5, 2: 0.3, 3: 0.2},
    warmup_steps=1,
)


@pytest.fixture
def bank(write_banks):
    """Banks of two labels each, and one of impulse responses."""
    return write_banks(("speech_train", "noise_train", "noise_dev", "music_train", "rir_train"), "ESC-10")


@pytest.fixture
def features(bank, semantic_codec):
    """Four pieces, and the codec that separated them."""
    codec = DeCodec.from_pretrained(semantic_codec)
    found = pieces(codec, sampler(bank), 4, np.random.default_rng(0))
    write_features(bank / "features", NAME, ("latent", "wav"), [("piece", "mixtures", "", "0")] * 4, found, 100)
    return feature_bank(bank / "features", codec)


def noise(*shape, seed=0):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_log_mel_error_is_the_gain_and_has_a_floor():
    wav = noise(16000)
    assert log_mel_error(wav, wav) == 0
    assert log_mel_error(wav, 0.5 * wav) == pytest.approx(6.02, abs=0.01)
    faint = torch.cat([wav, 1e-4 * noise(16000, seed=1)])
    assert log_mel_error(faint, torch.cat([wav, torch.zeros(16000)])) < 0.2  # the rest lies more than 60 dB below


def test_a_mixture_has_its_snr_and_does_not_clip(bank, monkeypatch):
    utterance = Utterance(5 * noise(20000, seed=3), "voice", True)
    monkeypatch.setattr(background_cases, "dev_set", lambda folder: [utterance])
    for case in background_cases.cases(bank, snr=6.0):
        ratio = 10 * torch.log10(case.speech.square().mean() / case.background.square().mean())
        assert float(ratio) == pytest.approx(6.0, abs=0.01)
        assert case.mixture.abs().max() <= 0.981 and case.label.startswith("label")
    alone = list(background_cases.cases(bank, None, limit=1))
    assert len(alone) == 1 and torch.equal(alone[0].mixture, alone[0].background)


def test_every_stage_has_the_length_of_the_mixture(semantic_codec):
    codec = DeCodec.from_pretrained(semantic_codec)
    found = stages(codec, noise(5000), levels=(1, 2))
    assert list(found) == ["mixture", "separated", "parameters", "latent", "0.2 kbit/s", "0.4 kbit/s"]
    assert {len(wav) for wav in found.values()} == {5000}
    with pytest.raises(TypeError, match="semantic"):
        stages(DeCodec(TINY).eval(), noise(5000))


def test_scores_without_classes_are_those_of_the_waveforms(semantic_codec):
    found_cases = [background_cases.Case(noise(16000), None, label) for label in (None, "rain")]
    found = scores(DeCodec.from_pretrained(semantic_codec), None, found_cases, by_class=True)
    assert found["all", "original"] == {} and {label for label, _ in found} == {"all", "rain"}
    mixture = found["all", "mixture"]
    assert mixture["log_mel_db"] == 0 and mixture["level_db"] == pytest.approx(0, abs=1e-6)
    # an untrained codec halves the mixture
    assert found["rain", "separated"]["log_mel_db"] == pytest.approx(6.02, abs=0.1)


def test_deviation_tells_a_steady_noise_from_one_that_changes():
    loss, steady = StatisticsLoss(), 10 * noise(2, 20480)
    changing = steady * (1 + 0.9 * torch.sin(torch.arange(20480) / 1000))
    other = loss(10 * noise(2, 20480, seed=1), steady)
    assert not any(loss(steady, steady).values())
    assert loss(changing, steady)["deviation"] > 3 * other["deviation"] > 0


def test_level_is_the_gain_of_every_band():
    wav = 10 * noise(2, 20480)
    assert StatisticsLoss()(0.5 * wav, wav)["level"] == pytest.approx(np.log(2), abs=1e-3)


def test_pieces_are_the_latents_of_their_mixtures(bank, semantic_codec):
    codec = DeCodec.from_pretrained(semantic_codec)
    (latent, wav), *_ = pieces(codec, sampler(bank), 2, np.random.default_rng(0))
    batch = sampler(bank).draw(2, wav.size, np.random.default_rng(0))
    expected = codec.subspace.split(codec.latent(batch.mixture))[1][0].T
    assert torch.allclose(torch.from_numpy(latent), expected.detach(), atol=1e-5)
    assert np.array_equal(wav.ravel(), batch.background[0].numpy())


def test_adapted_codebooks_are_nearer_to_the_frames(features):
    options = merge_config(TINY_SEMANTIC, {"quantizer": {"background_parametric_frames": 1}})
    quantizer = DeCodec(options).eval().background_quantizer
    frames = torch.from_numpy(features.values["latent"].astype(np.float32))
    waveform = quantizer.waveform.codebooks.clone()

    def error():
        decoded = quantizer.decode(quantizer.encode(frames.T[None]))[0].T
        return float((decoded - frames)[:, : quantizer.parametric_dim].square().mean())

    before = error()
    adapt_codebooks(quantizer, frames, 3)
    assert error() < 0.5 * before and torch.equal(quantizer.waveform.codebooks, waveform)


def test_trained_overlapping_codebooks_are_nearer_to_the_frames(semantic_codec, features):
    trainer = Trainer(SETTINGS, semantic_codec)
    frames = torch.from_numpy(features.values["latent"].astype(np.float32)).T[None]
    quantizer = trainer.quantizer

    def errors():
        codes = quantizer.encode(frames)
        decoded = [quantizer.decode(codes[:, :k])[:, : quantizer.semantic_dim] for k in (1, 2)]
        return [float((part - frames[:, : quantizer.semantic_dim]).square().mean()) for part in decoded]

    before = errors()
    trainer.initialize(features)
    assert all(after < 0.5 * error for after, error in zip(errors(), before))


@pytest.mark.parametrize("frames", [0, 5])
def test_training_changes_the_background_alone(semantic_codec, features, frames):
    """Also with codes of more frames than those of the codec to start from."""
    trainer = Trainer(replace(SETTINGS, parametric_frames=frames), semantic_codec)
    trainer.initialize(features)
    for _ in range(3):
        losses = trainer.train_step(trainer.draw(features))
    assert all(np.isfinite(value) for value in losses.values()) and trainer.step == 3
    before, after = DeCodec.from_pretrained(semantic_codec).state_dict(), trainer.codec.state_dict()
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith(PARTS["background"]) for name in changed)
    assert "background_quantizer.semantic.patches.codebooks" in changed
    assert any(name.startswith("backbone.background_decoder.") for name in changed)


def test_a_resumed_training_goes_on_exactly(semantic_codec, features, tmp_path):
    one = Trainer(SETTINGS, semantic_codec)
    one.initialize(features)
    one.train_step(one.draw(features))
    checkpoint.save(tmp_path / "out", one.state())
    other = Trainer(SETTINGS, semantic_codec)
    other.load_state(checkpoint.load(tmp_path / "out"))
    losses = [trainer.train_step(trainer.draw(features)) for trainer in (one, other)]
    assert losses[0] == losses[1]


def test_a_codec_without_decoder_for_the_background_is_refused(tmp_path):
    DeCodec(TINY).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="semantic level"):
        Trainer(SETTINGS, tmp_path)


def test_a_merged_codec_has_its_own_speech_and_the_background_of_the_other(semantic_codec):
    codec, trained = DeCodec.from_pretrained(semantic_codec), DeCodec(TINY_SEMANTIC).eval()
    wav = noise(1, 8000)
    speech = codec.decode(codec.encode(wav), background=False)
    latent = codec.subspace.split(codec.latent(wav))[1]
    merge(codec, trained, "background")
    assert torch.equal(codec.decode(codec.encode(wav), background=False), speech)
    assert torch.equal(codec.background_quantizer.encode(latent), trained.background_quantizer.encode(latent))
    for name, weight in trained.backbone.background_decoder.state_dict().items():
        assert torch.equal(codec.backbone.background_decoder.state_dict()[name], weight)


def test_a_merged_codec_separates_as_the_other_and_keeps_its_tokens(semantic_codec):
    codec, trained = DeCodec.from_pretrained(semantic_codec), DeCodec.from_pretrained(semantic_codec)
    torch.nn.init.normal_(trained.backbone.encoder.out_proj.weight)
    wav = noise(1, 8000)
    before = codec.speech_quantizer.state_dict()
    assert not torch.allclose(codec.separate(wav, quantize=False).speech, trained.separate(wav, quantize=False).speech)
    merge(codec, trained, "separation")
    assert torch.equal(codec.separate(wav, quantize=False).speech, trained.separate(wav, quantize=False).speech)
    assert all(torch.equal(x, before[name]) for name, x in codec.speech_quantizer.state_dict().items())


def test_backgrounds_of_other_codecs_are_not_merged(semantic_codec):
    codec, options = DeCodec.from_pretrained(semantic_codec), TINY_SEMANTIC["quantizer"]
    other = DeCodec({**TINY_SEMANTIC, "quantizer": {**options, "codebook_size": 32}}).eval()
    with pytest.raises(ValueError, match="different sizes"):
        merge(codec, other, "background")
    turned = DeCodec(TINY_SEMANTIC).eval()
    with torch.no_grad():
        turned.subspace.weight.add_(torch.randn(turned.subspace.weight.shape))
    with pytest.raises(ValueError, match="different subspaces"):
        merge(codec, turned, "background")


def test_levels_are_relative_to_the_loudest_second_until_then():
    mixture = torch.cat([torch.full((100,), 0.1), torch.full((100,), 1.0), torch.full((100,), 0.1)])
    background = torch.full((300,), 0.01)
    assert levels_below(background, mixture, 100) == pytest.approx([-20, -40, -40], abs=1e-4)
