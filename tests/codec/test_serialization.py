"""A saved codec comes back as it was, and an invalid folder is refused with one clear line."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from espnet2_decodec import DeCodec
from espnet2_decodec.codec import serialization
from espnet2_decodec.codec.config import TINY


@pytest.fixture
def codec():
    """A tiny codec with random weights, in training mode."""
    torch.manual_seed(0)
    return DeCodec.from_config(TINY)


@pytest.mark.parametrize("shards", [None, 0.08])
def test_round_trip_is_exact(codec, tmp_path, shards):
    """Every tensor is the same, in one file or several, and the codec is in eval mode."""
    codec.save_pretrained(tmp_path, shard_megabytes=shards)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == (shards is not None)
    loaded = DeCodec.from_pretrained(tmp_path)
    assert not loaded.training and loaded.resolved_config() == codec.resolved_config()
    for name, tensor in codec.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    wav = torch.randn(1, 3210) * 0.1
    assert torch.equal(loaded.encode(wav).speech, codec.eval().encode(wav).speech)


def test_saved_config_is_complete(codec, tmp_path):
    """All defaults are written out, and no given option is lost."""
    codec.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "config.json").read_text())["codec"]
    assert {"n_fft", "kernel", "causal"} <= set(saved["backbone"]) and "dim" not in saved["backbone"]
    assert {"ema_decay"} <= set(saved["quantizer"])
    for section, value in codec.config.items():
        assert saved[section] == value or value.items() <= saved[section].items()


def test_half_is_half_the_size_and_loads_as_float32(codec, tmp_path):
    """float16 on disk, float32 in memory, within float16 rounding."""
    codec.save_pretrained(tmp_path / "full")
    codec.save_pretrained(tmp_path / "half", half=True)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    loaded = DeCodec.from_pretrained(tmp_path / "half")
    for name, tensor in codec.state_dict().items():
        assert loaded.state_dict()[name].dtype == tensor.dtype
        assert torch.allclose(tensor, loaded.state_dict()[name], rtol=1e-3, atol=1e-3), name


def test_half_keeps_what_float16_cannot_hold(codec, tmp_path):
    """A count beyond 65504 survives."""
    codec.speech_quantizer.counts.fill_(1e6)
    codec.save_pretrained(tmp_path, half=True)
    assert torch.equal(DeCodec.from_pretrained(tmp_path).speech_quantizer.counts, codec.speech_quantizer.counts)


def test_saving_again_leaves_no_stale_shards(codec, tmp_path):
    """A folder holds the last save only, and no temporary file."""
    codec.save_pretrained(tmp_path, shard_megabytes=0.08)
    codec.save_pretrained(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_weights_that_do_not_fit_are_all_listed(codec, tmp_path):
    """Missing, unexpected and wrong-shaped tensors in one message."""
    codec.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    tensors["odd"] = torch.zeros(1)
    del tensors["subspace.weight"]
    tensors["speech_quantizer.counts"] = torch.zeros(2, 2)
    save_file(tensors, file)
    with pytest.raises(ValueError) as caught:
        DeCodec.from_pretrained(tmp_path)
    assert "missing: subspace.weight" in str(caught.value)
    assert "unexpected: odd" in str(caught.value)
    assert "speech_quantizer.counts is [2, 2] instead of [3, 16]" in str(caught.value)


def test_broken_folders(codec, tmp_path, monkeypatch):
    """One clear error each."""
    monkeypatch.setattr(serialization, "DEFAULT_MODEL", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="without a trained model"):
        DeCodec.from_pretrained()
    with pytest.raises(FileNotFoundError, match="no folder"):
        DeCodec.from_pretrained(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="no config.json"):
        DeCodec.from_pretrained(tmp_path)
    codec.save_pretrained(tmp_path)
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    good = weights.read_bytes()
    for bad in (b"", b"nonsense", good[: len(good) // 2]):
        weights.write_bytes(bad)
        with pytest.raises(ValueError, match="damaged or not a safetensors"):
            DeCodec.from_pretrained(tmp_path)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match="no model.safetensors"):
        DeCodec.from_pretrained(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(good)
    with pytest.raises(FileNotFoundError, match="no model-00001-of-00002.safetensors"):
        DeCodec.from_pretrained(tmp_path)
    ours = json.loads(config.read_text())
    for text, message in (
        ("{", "not valid JSON"),
        ('{"model_type": "bert"}', "not the config of a codec"),
        (json.dumps({**ours, "format": 2}), "update the package"),
        (json.dumps({**ours, "codec": {"colour": 1}}), "Unknown config key 'colour'"),
        (json.dumps({**ours, "codec": {"backbone": {"wings": 2}}}), "wings"),
    ):
        config.write_text(text)
        with pytest.raises(ValueError, match=message):
            DeCodec.from_pretrained(tmp_path)


def test_broken_codec_is_not_saved(codec, tmp_path):
    """Weights that are not finite never reach the disk."""
    with torch.no_grad():
        codec.subspace.weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match="subspace.weight is not finite"):
        codec.save_pretrained(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("section", "option", "value"),
    [
        ("backbone", "channels", 10**9),
        ("backbone", "channels", "16"),
        ("backbone", "causal", 1),
        ("backbone", "encoder_blocks", -1),
        ("quantizer", "background_levels", 10**9),
        ("quantizer", "ema_decay", float("nan")),
    ],
)
def test_options_are_of_their_type_and_range(codec, tmp_path, section, option, value):
    """A damaged config is refused by name before anything is allocated."""
    codec.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    content = json.loads(path.read_text())
    content["codec"][section][option] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"{option} must be "):
        DeCodec.from_pretrained(tmp_path)
