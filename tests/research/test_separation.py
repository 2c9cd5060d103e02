"""The training of the separation on a tiny codec: mixtures, losses, steps, and how it resumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.deep_filter import BandSplitDeepFilter
from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from research.separation import causal_decoder
from research.separation.causal import causal_codec, without_future
from research.separation.losses import StemLosses
from research.separation.mixtures import MixtureSampler, unit_mean_power, unit_rms
from research.separation.rooms import Rooms, convolve
from research.separation.train import Settings, Trainer
from research.tokens import checkpoint

TINY = {
    "backbone": {"name": "mdct", "n_mels": 4, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 10, "background_dim": 10},
    "quantizer": {"speech_levels": 3, "background_levels": 2, "codebook_size": 16},
}


@pytest.fixture
def bank(write_banks):
    """Banks of two labels each, and one of impulse responses."""
    return write_banks(("speech_train", "noise_train", "music_train", "rir_train"), "source")


@pytest.fixture
def start(tmp_path):
    """Folder of an untrained codec."""
    torch.manual_seed(0)
    DeCodec(TINY).save_pretrained(tmp_path / "start")
    return str(tmp_path / "start")


def test_mixtures_are_reproducible_and_within_their_levels(bank):
    sampler = MixtureSampler(bank, level=(-40.0, -20.0))
    one, other = (sampler.draw(24, 8000, np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(one.speech, other.speech) and torch.equal(one.background, other.background)
    levels = 10 * torch.log10(one.mixture.square().mean(1))
    assert levels.max() < -19.9 and levels.min() > -41 and one.mixture.abs().max() <= 0.981
    silent = [~stem.any(1) for stem in (one.speech, one.background)]
    assert not (silent[0] & silent[1]).any()


def test_late_reverberation_is_background(bank):
    """Of speech in a room without noise, the target is the direct sound and 50 ms."""
    sampler = MixtureSampler(bank)
    sampler.reverberant = 1.0
    random = np.random.default_rng(1)
    speech, late = sampler._pair(16000, random)
    assert np.square(late).mean() > 1e-4
    response = Rooms(bank).draw(np.random.default_rng(2))
    assert response[0] == 1.0
    impulse = np.zeros(8000, np.float32)
    impulse[0] = 1.0
    np.testing.assert_allclose(convolve(impulse, response)[: len(response)], response[:8000], atol=1e-5)


def test_losses_are_smallest_for_the_targets_and_weigh_missing_speech_more():
    losses, stems = StemLosses(), torch.randn(2, 2, 8000) * 0.1
    perfect, softer = (losses(gain * stems, stems, 1) for gain in (1.0, 0.5))
    for name in ("complex", "magnitude", "mel"):
        assert perfect[name] < 1e-6 < softer[name]
    assert perfect["snr"] < softer["snr"]
    one = stems.clone()
    one[:, 0] *= 2 ** (-1 / 0.3)  # half the compressed magnitude is missing
    other = stems.clone()
    other[:, 0] *= 1.5 ** (1 / 0.3)  # half is too much
    assert losses(one, stems, 0)["magnitude"] > 1.3 * losses(other, stems, 0)["magnitude"]


def test_a_training_resumes_exactly_and_changes_the_separation_alone(bank, start, tmp_path):
    settings = Settings(backbone={"deep_filter_channels": 4, "deep_filter_blocks": 1}, batch=2, segment=8000)
    sampler = MixtureSampler(bank)

    def steps(trainer: Trainer, count: int) -> list[dict[str, float]]:
        return [trainer.train_step(sampler.draw(2, 8000, trainer.random)) for _ in range(count)]

    one = Trainer(settings, start)
    before = {name: value.clone() for name, value in one.codec.state_dict().items()}
    terms = steps(one, 3)
    assert {"snr", "complex", "magnitude", "mel", "envelope", "content"} <= terms[0].keys()
    checkpoint.save(tmp_path, one.state())
    other = Trainer(replace(settings, seed=1), start)
    other.load_state(checkpoint.load(tmp_path))
    assert steps(one, 2) == steps(other, 2)
    changed = {name for name, value in one.codec.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith(("backbone.encoder.", "backbone.deep_filter.")) for name in changed)
    assert any("deep_filter" in name for name in changed) and any("encoder" in name for name in changed)


@pytest.fixture
def stacks():
    """Networks of two blocks, with look-ahead and causal, that compute the same."""
    torch.manual_seed(0)
    whole, causal = (ConvNeXtStack(4, 8, 2, 4, 5, causal) for causal in (False, True))
    for name, weight in whole.state_dict().items():
        if name.endswith("dwconv.weight"):
            weight[..., 3:] = 0
    causal.load_state_dict({name: without_future(name, weight) for name, weight in whole.state_dict().items()})
    return whole, causal


def test_without_future_taps_a_causal_convolution_computes_the_same(stacks):
    x = torch.randn(2, 12, 4)
    assert torch.allclose(*(stack(x, None) for stack in stacks), atol=1e-6)


def test_without_future_taps_a_causal_deep_filter_computes_the_same():
    torch.manual_seed(0)
    whole, causal = (BandSplitDeepFilter(481, 8, 8, 1, (3, 3), causal) for causal in (False, True))
    state = {name: torch.randn_like(weight) for name, weight in whole.state_dict().items()}
    for name, weight in state.items():
        if name.endswith("dwconv.weight"):
            weight[:, :, 2:] = 0
        elif "project" in name:
            weight.unflatten(-1, (8, -1))[..., 6:, :] = 0
    whole.load_state_dict(state)
    causal.load_state_dict({name: without_future(f"deep_filter.{name}", weight) for name, weight in state.items()})
    spectrum, speech = torch.randn(2, 2, 9, 481, dtype=torch.cfloat)
    inputs = spectrum, speech, torch.zeros(2, 9, 1), torch.randn(2, 9, 8)
    assert torch.allclose(whole(*inputs), causal(*inputs), rtol=1e-4, atol=1e-3)


def test_the_causal_codec_has_the_weights_of_both():
    torch.manual_seed(0)
    options = {"deep_filter_channels": 8, "deep_filter_blocks": 1}
    base, separation = DeCodec(TINY), DeCodec({**TINY, "backbone": {**TINY["backbone"], **options}})
    codec = causal_codec(base, separation)
    assert codec.latency == 1280 and codec.content_encoder is None
    state, old, new = codec.state_dict(), base.state_dict(), separation.state_dict()
    name = "backbone.encoder.blocks.0.dwconv.weight"
    assert torch.equal(state[name][..., 7:], new[name][..., :8]) and not state[name][..., :7].any()
    for name, source in (("backbone.decoder.in_proj.weight", old), ("backbone.deep_filter.context.weight", new)):
        assert torch.equal(state[name], source[name])


def test_a_causal_decoder_follows_the_one_with_look_ahead(bank, tmp_path):
    torch.manual_seed(0)
    base = DeCodec(TINY)
    with torch.no_grad():
        for weight in base.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    base.save_pretrained(tmp_path / "base")
    start = causal_codec(base, DeCodec(TINY))
    start.save_pretrained(tmp_path / "causal")
    settings = causal_decoder.Settings(batch=2, segment=16000, lr=5e-3, warmup_steps=1, minutes=100.0)
    sampler = MixtureSampler(bank)

    def trainer():
        return causal_decoder.Trainer(settings, str(tmp_path / "causal"), str(tmp_path / "base"))

    one, other = trainer(), trainer()
    batch = sampler.draw(2, 16000, one.random)
    losses = [one.train_step(batch)["outputs"] for _ in range(40)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
    for name, weight in one.codec.state_dict().items():
        assert torch.equal(weight, start.state_dict()[name]) != name.startswith("backbone.decoder"), name
    other.load_state(one.state())
    torch.manual_seed(1)
    first = one.train_step(batch)
    torch.manual_seed(1)
    assert first == other.train_step(batch)


def test_events_leave_pauses_and_no_voice_is_background(write_banks):
    bank = write_banks(("speech_train", "music_train", "rir_train"), "source")
    write_banks(("noise_train",), "antum-mod-sounds")
    rows = (bank / "noise_train.tsv").read_text().replace("label1", "zombie_growl")
    (bank / "noise_train.tsv").write_text(rows)
    sampler, random = MixtureSampler(bank), np.random.default_rng(0)
    assert {sampler.events.draw_key(random)[1] for _ in range(20)} == {"label0"}
    assert {sampler.recorded.draw_key(random)[1] for _ in range(20)} == {"label0"}
    noises = np.stack([sampler._events(8000, random) for _ in range(8)])
    assert noises.shape == (8, 8000) and np.isfinite(noises).all()
    assert (noises == 0).mean() > 0.1 and all(np.square(noise).mean() > 0.01 for noise in noises)


def test_short_sounds_are_louder_by_their_mean_power():
    short = np.zeros(8000, np.float32)
    short[:800] = np.random.default_rng(0).standard_normal(800)
    assert np.square(unit_rms(short)).mean() < 0.2
    assert np.square(unit_mean_power(short)).mean() == pytest.approx(1, rel=1e-3)
    assert np.square(unit_mean_power(np.zeros(8000, np.float32))).mean() == 0
