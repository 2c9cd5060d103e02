"""The ASR frontend gives the codec's features, and a codec that is frozen stays as it is."""

import pytest
import torch

pytest.importorskip("espnet2")

from espnet2_decodec.codec.config import TINY  # noqa: E402
from espnet2_decodec.codec.decodec import DeCodec  # noqa: E402
from espnet2_decodec.espnet.codec_features import FEATURES  # noqa: E402
from espnet2_decodec.espnet.frontend import DeCodecFrontend  # noqa: E402

CONTENT = {"dim": 5, "channels": 8, "blocks": 1, "levels": 2, "codebook_size": 8}


@pytest.fixture(scope="module")
def model(tmp_path_factory, vocoder_config):
    """The folder of a codec with random weights that matter."""
    torch.manual_seed(0)
    codec = DeCodec.from_config({**vocoder_config, "content": CONTENT})
    torch.nn.init.normal_(codec.backbone.encoder.out_proj.weight, std=0.3)
    torch.nn.init.normal_(codec.subspace.weight, std=1.0)
    folder = tmp_path_factory.mktemp("codec")
    codec.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor([8000, 3333, 320])
    wav = torch.randn(3, 8000, generator=generator) * 0.1
    return wav * (torch.arange(8000) < lengths[:, None]), lengths


def expected(codec: DeCodec, wav: torch.Tensor, lengths: torch.Tensor, feature: str) -> torch.Tensor:
    """The features by the public methods of the codec."""
    quantizer, parametric = codec.speech_quantizer, codec.parametric_levels
    with torch.no_grad():
        codes = codec.encode(wav, lengths)
        speech, _ = codec.subspace.split(codec.latent(wav, lengths))
        known = {
            "content": codec.content_encoder.quantizer.decode(codec.content_tokens(wav, lengths)),
            "content_continuous": codec.content(wav, lengths),
            "semantic": quantizer.decode(codes.speech[:, :1])[:, : quantizer.semantic_dim],
            "semantic_continuous": speech[:, : quantizer.semantic_dim],
            "parametric": quantizer.decode(codes.speech[:, :parametric])[:, : quantizer.parametric_dim],
            "parametric_continuous": speech[:, : quantizer.parametric_dim],
            "speech": quantizer.decode(codes.speech),
            "speech_continuous": speech,
            "all": torch.cat([quantizer.decode(codes.speech), codec.background_quantizer.decode(codes.background)], 1),
        }
    return known[feature].transpose(1, 2)


@pytest.mark.parametrize("feature", FEATURES)
def test_features_are_the_codecs(model, batch, feature):
    frontend = DeCodecFrontend(model=model, feature=feature, weighted=False)
    features, lengths = frontend(*batch)
    assert lengths.tolist() == [25, 11, 1] and features.shape[2] == frontend.output_size()
    reference = expected(frontend.codec, *batch, feature)
    for row, expected_row, count in zip(features, reference, lengths.tolist()):
        assert torch.equal(row[:count], expected_row[:count])
        assert not row[count:].any()


@pytest.mark.parametrize("feature", FEATURES)
def test_padding_changes_no_valid_frame(model, batch, feature):
    frontend = DeCodecFrontend(model=model, feature=feature).eval()
    features, lengths = frontend(*batch)
    for i, (samples, frames) in enumerate(zip(batch[1].tolist(), lengths.tolist())):
        alone, _ = frontend(batch[0][i : i + 1, :samples], batch[1][i : i + 1])
        torch.testing.assert_close(features[i, :frames], alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("feature", ["content_continuous", "speech"])
def test_a_cache_changes_no_feature_and_spares_the_codec(model, batch, feature):
    plain, kept = (DeCodecFrontend(model=model, feature=feature, cache=cache).train() for cache in (None, "1MB"))
    for _ in range(2):
        features, lengths = kept(*batch)
        assert torch.equal(features, plain(*batch)[0]) and torch.equal(lengths, plain(*batch)[1])
    assert len(kept.cache) == 3
    kept.codec.latent = None
    assert torch.equal(kept(*batch)[0], plain(*batch)[0])
    with pytest.raises(ValueError, match="cache requires a frozen codec"):
        DeCodecFrontend(model=model, cache="1MB", freeze=False)


def test_a_codec_of_one_speech_level_still_has_all_levels(vocoder_config, batch, tmp_path):
    quantizer = {**vocoder_config["quantizer"], "speech_levels": 1, "background_levels": 2}
    DeCodec.from_config({**vocoder_config, "quantizer": quantizer}).save_pretrained(tmp_path)
    frontend, plain = (
        DeCodecFrontend(model=str(tmp_path), feature="all", weighted=weighted) for weighted in (True, False)
    )
    assert frontend.weights.shape == (3,)
    torch.testing.assert_close(frontend(*batch)[0], plain(*batch)[0])
    assert DeCodecFrontend(model=str(tmp_path), feature="speech").weights is None


@pytest.mark.parametrize("freeze", [True, False])
def test_a_frozen_codec_stays_and_another_learns(model, batch, freeze):
    frontend = DeCodecFrontend(model=model, feature="speech", freeze=freeze).train()
    before = {name: value.clone() for name, value in frontend.codec.state_dict().items()}
    optimizer = torch.optim.Adam(frontend.parameters(), lr=0.01)
    frontend(*batch)[0].square().sum().backward()
    optimizer.step()
    moved = [name for name, value in frontend.codec.state_dict().items() if not torch.equal(value, before[name])]
    assert not torch.equal(frontend.weights, torch.ones(4)), "the weights of the levels are learned in both cases"
    assert bool(moved) is not freeze
    assert not any("codebooks" in name for name in moved) and not frontend.codec.training


def test_weights_start_as_the_plain_sum_and_weigh_levels(model, batch):
    frontend = DeCodecFrontend(model=model, feature="speech")
    with torch.no_grad():
        frontend.weights.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    codec = frontend.codec
    first = codec.speech_quantizer.decode(codec.encode(*batch).speech[:, :1]).transpose(1, 2)
    torch.testing.assert_close(frontend(*batch)[0][0], first[0])


def test_parametric_levels_have_weights_of_their_own(model, batch):
    frontend = DeCodecFrontend(model=model, feature="parametric")
    assert frontend.weights.shape == (3,) and frontend.output_size() == 6
    torch.testing.assert_close(
        frontend(*batch)[0], DeCodecFrontend(model=model, feature="parametric", weighted=False)(*batch)[0]
    )


@pytest.mark.parametrize(("feature", "most"), [("content", 2), ("speech", 4)])
def test_fewer_levels_are_the_first_ones(model, batch, feature, most):
    all_weights = DeCodecFrontend(model=model, feature=feature)
    with torch.no_grad():
        all_weights.weights[1:] = 0
    one = DeCodecFrontend(model=model, feature=feature, levels=1)
    torch.testing.assert_close(one(*batch)[0], all_weights(*batch)[0])
    every = DeCodecFrontend(model=model, feature=feature, levels=most)
    assert torch.equal(every(*batch)[0], DeCodecFrontend(model=model, feature=feature)(*batch)[0])
    with pytest.raises(ValueError, match="levels must be within"):
        DeCodecFrontend(model=model, feature=feature, levels=most + 1)


def test_codecs_that_cannot_give_a_feature_are_refused(tmp_path):
    DeCodec.from_config(TINY).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="requires a codec with parametric levels; use `feature: semantic`"):
        DeCodecFrontend(model=str(tmp_path), feature="parametric_continuous")
    with pytest.raises(ValueError, match="requires a codec with a content encoder"):
        DeCodecFrontend(model=str(tmp_path), feature="content_continuous")
    DeCodec.from_config({**TINY, "content": {"dim": 4, "channels": 8, "blocks": 1}}).save_pretrained(
        tmp_path / "no_tokens"
    )
    with pytest.raises(ValueError, match="use `feature: content_continuous`"):
        DeCodecFrontend(model=str(tmp_path / "no_tokens"), feature="content")


def test_stacking_halves_the_frame_rate(model, batch):
    plain, stacked = DeCodecFrontend(model=model), DeCodecFrontend(model=model, stack=2)
    one, two = plain(*batch)[0], stacked(*batch)
    assert two[1].tolist() == [13, 6, 1] and stacked.output_size() == 2 * plain.output_size()
    assert torch.equal(two[0][0, 3], torch.cat([one[0, 6], one[0, 7]]))


def test_other_sample_rates_are_converted(model):
    frontend = DeCodecFrontend(fs="8k", model=model)
    features, lengths = frontend(torch.randn(2, 4000) * 0.1, torch.tensor([4000, 1001]))
    assert frontend.fs == 8000 and features.shape[1] == 25 and lengths.tolist() == [25, 7]


def test_a_saved_config_builds_the_frontend_without_its_folder(model, batch):
    frontend = DeCodecFrontend(model=model, feature="speech")
    rebuilt = DeCodecFrontend(model="/gone", feature="speech", codec=frontend.config())
    with pytest.raises(RuntimeError, match="weights were not loaded"):
        rebuilt(*batch)
    rebuilt.load_state_dict(frontend.state_dict())
    assert torch.equal(rebuilt(*batch)[0], frontend(*batch)[0])


def test_initialization_of_everything_else_leaves_the_codec(model, batch):
    frontend = DeCodecFrontend(model=model)
    before = frontend(*batch)[0]
    for parameter in frontend.codec.parameters():
        torch.nn.init.normal_(parameter)
    frontend.reload_pretrained_parameters()
    assert torch.equal(frontend(*batch)[0], before)


@pytest.mark.parametrize("options", [{"feature": "words"}, {"stack": 0}, {"model": "/nowhere"}])
def test_wrong_options_are_refused(model, options):
    with pytest.raises((ValueError, FileNotFoundError)):
        DeCodecFrontend(**{"model": model, **options})
