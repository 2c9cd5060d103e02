"""The objective with ESPnet's interface."""

import pytest
import torch

from espnet2_decodec.codec.config import TINY

pytest.importorskip("espnet2")

from espnet2_decodec.espnet.codec_model import DeCodecESPnetModel  # noqa: E402
from espnet2_decodec.espnet.gan_codec import GANDeCodec, from_streams, to_streams  # noqa: E402


@pytest.fixture
def codec():
    torch.manual_seed(0)
    return GANDeCodec(
        TINY,
        {"windows": [256], "channels": 4},
        "logmel",
        schedule={"unquantized_steps": 2, "kmeans_frames": 256, "adversarial_start": 3},
    )


def batch(seed=0, size=3, length=3200):
    random = torch.Generator().manual_seed(seed)
    speech, background = (0.1 * torch.randn(size, length, generator=random) for _ in range(2))
    return {"audio": speech + background, "speech": speech, "background": background}


def test_meta_info_has_espnets_keys_and_the_layout(codec):
    assert codec.meta_info() == {
        "fs": 16000,
        "num_streams": 5,
        "frame_shift": 320,
        "code_size_per_stream": [16] * 5,
        "stream_layout": {"speech": 3, "background": 2},
    }


def test_codes_are_streams_first_with_the_speech_in_front(codec):
    wav = batch()["audio"]
    streams, codes = codec.eval().encode(wav[:, None]), codec.codec.encode(wav)
    assert streams.shape == (5, 3, 10) and torch.equal(streams, codec.encode(wav))
    assert torch.equal(streams[:3].transpose(0, 1), codes.speech)
    back = from_streams(to_streams(codes), 3, 320, 16000)
    assert torch.equal(back.speech, codes.speech) and torch.equal(back.background, codes.background)
    assert torch.allclose(codec.decode(streams)[:, 0], codec.codec.decode(codes))
    fewer = codec.encode(wav, speech_levels=1, background_levels=2)
    assert fewer.shape[0] == 3 and codec.decode(fewer, speech_levels=1).shape == (3, 1, 3200)


def test_channels_and_codes_that_would_be_lost_are_refused(codec):
    audio = batch()["audio"]
    codes = codec.encode(audio)
    for given in (audio[None], audio[:, None, None], audio[0]):
        with pytest.raises(ValueError, match=r"A batch of waveforms is \[B, L\]"):
            codec.encode(given)
    assert torch.equal(codec.decode(codes.short().numpy()), codec.decode(codes))
    with pytest.raises(ValueError, match=r"codes must be \[N_stream, B, T\]"):
        codec.decode(codes[0])
    with pytest.raises(TypeError, match="codes must be a tensor or an array of integers"):
        codec.decode(codes.float())


def test_generator_and_discriminator_steps_report_different_statistics(codec):
    generator = codec(**batch())
    discriminator = codec(**batch(), forward_generator=False)
    assert (generator["optim_idx"], discriminator["optim_idx"]) == (0, 1)
    assert not generator["stats"].keys() & discriminator["stats"].keys()
    assert {"loss", "distance", "mel", "semantic", "perplexity_speech_1", "perplexity_background_2"} <= generator[
        "stats"
    ].keys()
    assert generator["weight"].tolist() == [3] and generator["loss"].requires_grad


def test_distance_leaves_the_adversarial_terms_out(codec):
    for seed in range(4):
        stats = codec(**batch(seed))["stats"]
    rest = sum(codec.weights[name] * stats[name] for name in ("adversarial", "feature_matching"))
    assert float(stats["adversarial"]) > 0 and torch.allclose(stats["distance"] + rest, stats["loss"], rtol=1e-4)


def test_the_discriminator_is_not_trained_before_its_start(codec):
    codec(**batch())
    step = codec(**batch(), forward_generator=False)
    step["loss"].sum().backward()
    assert not step["loss"].any()
    assert all(not p.grad.any() for p in codec.discriminator.parameters())
    assert all(p.grad is None for p in codec.generator.parameters())


def test_the_discriminator_needs_the_generator_first(codec):
    with pytest.raises(RuntimeError, match="generator step"):
        codec(**batch(), forward_generator=False)


def test_validation_repeats_and_takes_no_random_numbers(codec):
    codec.eval()
    state = torch.get_rng_state()
    losses = [float(codec(**batch())["stats"]["loss"]) for _ in range(2)]
    assert losses[0] == losses[1] and torch.equal(state, torch.get_rng_state())


def test_without_stems_there_is_validation_but_no_training(codec):
    with pytest.raises(ValueError, match="needs the stems"):
        codec(batch()["audio"])
    codec.eval()
    stats = codec(batch()["audio"])["stats"]
    assert {"snr", "mel", "loss", "distance"} == stats.keys() & {"snr", "mel", "loss", "distance", "semantic"}
    assert codec(batch()["audio"], forward_generator=False)["stats"] == {}


def test_espnets_model_passes_the_stems(codec):
    model = DeCodecESPnetModel(codec).eval()
    lengths = {f"{name}_lengths": torch.full((3,), 3200) for name in batch()}
    assert "semantic" in model(**batch(), **lengths, forward_generator=True)["stats"]
    assert model.collect_feats(**batch(), **lengths) == {}
    latent = model.encode_continuous(batch()["audio"])
    assert latent.shape == (3, 16, 10) and model.decode_continuous(latent).shape == (3, 1, 3200)
    assert model.meta_info()["num_streams"] == 5 and model.codec._cache is None


def test_a_checkpoint_of_the_plain_loop_fits(codec):
    from espnet2_decodec.training.objective import Objective

    options = ({"windows": [256], "channels": 4}, "logmel")
    assert Objective(TINY, *options, schedule={"kmeans_frames": 256}).state_dict().keys() == codec.state_dict().keys()
