"""Exported graphs give the tokens and samples of the codec, for any number of frames; other codecs are refused."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from espnet2_decodec import DeCodec, extras
from espnet2_decodec.cli import main
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.export import DecoderGraph, EncoderGraph, OnnxCodec, export_codec

KINDS = ("mdct", "filter", "causal", "causal filter", "semantic", "spectral")
STREAMS = ((True, True), (True, False), (False, True))


@pytest.fixture(scope="module")
def codec(make_codec):
    """A codec with the default backbone."""
    return make_codec("mdct")


@pytest.fixture(scope="module")
def exported(codec, tmp_path_factory):
    """The codec in ONNX Runtime."""
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("onnx")
    export_codec(codec, folder)
    return OnnxCodec(folder, threads=1)


@pytest.fixture(scope="module")
def same(same_samples):
    """A function that compares tokens, and samples of each stream, with those of an exported codec."""
    return partial(compare, same_samples)


def compare(same_samples, codec, wav, encode, decode):
    """Compare tokens, and samples of each stream."""
    codes = codec.encode(wav)
    speech, background = encode(wav)
    assert (speech == codes.speech).float().mean() > 0.999
    assert (background == codes.background).float().mean() > 0.999
    for streams in STREAMS:
        assert same_samples(decode(codes, *streams), codec.decode(codes, *streams))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("samples", [1, 9000])
def test_graphs(make_codec, wav, same, kind, samples):
    codec = make_codec(kind)
    encoder, decoder = EncoderGraph(codec), DecoderGraph(codec)
    with torch.no_grad():
        same(
            codec,
            wav[:, :samples],
            lambda x: encoder(F.pad(x, (0, -x.shape[1] % codec.hop))),
            lambda c, *s: decoder(c.speech, c.background, torch.tensor(s).float())[:, : int(c.lengths[0])],
        )


@pytest.mark.parametrize("samples", [1, 320, 321, 9000, 100000])
def test_onnx(codec, wav, same, exported, samples):
    def encode(x):
        codes = exported.encode(x)
        return codes.speech, codes.background

    same(codec, wav.repeat(1, 12)[:, :samples], encode, exported.decode)


def test_onnx_takes_arrays_and_refuses_the_rest(codec, wav, exported):
    codes = exported.encode(wav.numpy())
    assert (codes.speech == exported.encode(wav).speech).all()
    with pytest.raises(ValueError, match="one recording at a time, not 2"):
        exported.encode(torch.zeros(2, 320))
    with pytest.raises(TypeError, match="floats in -1..1"):
        exported.encode(np.zeros((1, 320), np.int16))
    with pytest.raises(ValueError, match=r"5 \+ 4 levels, not 1 of 2 \+ 4"):
        exported.decode(codec.encode(wav, speech_levels=2))


def test_fewer_levels(codec, wav, tmp_path):
    """Levels that are left out have no share in the samples."""
    for levels in ((2, 1), (1, 4)):
        encoder, decoder = EncoderGraph(codec, *levels), DecoderGraph(codec, *levels)
        with torch.no_grad():
            speech, background = encoder(wav[:, :8960])
            expected = codec.encode(wav[:, :8960], speech_levels=levels[0], background_levels=levels[1])
            assert (speech == expected.speech).all() and (background == expected.background).all()
            assert (decoder(speech, background, torch.ones(2)) - codec.decode(expected)).abs().max() < 1e-4


@pytest.mark.slow
def test_torch_export(codec, wav, same_samples, tmp_path):
    files = export_codec(codec, tmp_path, "pt2", 4, 2)
    encoder, decoder = (torch.export.load(path).module() for path in files)
    for frames in (3, 28, 300):
        part = wav.repeat(1, 12)[:, : frames * codec.hop]
        codes = codec.encode(part, speech_levels=4, background_levels=2)
        speech, background = encoder(part)
        assert (speech == codes.speech).float().mean() > 0.999
        assert (background == codes.background).float().mean() > 0.999
        assert same_samples(decoder(codes.speech, codes.background, torch.ones(2)), codec.decode(codes))


def test_command(codec, tmp_path, capsys):
    pytest.importorskip("onnx")
    codec.save_pretrained(tmp_path / "model")
    arguments = ["export", "--model", str(tmp_path / "model"), "-o", str(tmp_path / "out"), "--speech-levels", "2"]
    assert main(arguments) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["decoder.onnx", "encoder.onnx", "export.json"]
    config = json.loads((tmp_path / "out/export.json").read_text())
    assert (config["sample_rate"], config["hop"], config["speech_levels"]) == (16000, 320, 2)
    capsys.readouterr()
    assert main(arguments) == 1 and "exists; add --force" in capsys.readouterr().err


def test_refusals(codec, tmp_path, capsys, monkeypatch):
    DeCodec.from_config({**TINY, "split": {"name": "soft", "dim": 8}}).save_pretrained(tmp_path / "soft")
    codec.save_pretrained(tmp_path / "model")
    for model, options, message in (
        ("soft", "", "Only codecs with the split orthogonal can be exported, not soft."),
        ("model", "--speech-levels 0", "at least one level of each stream"),
        ("model", "--background-levels 9", "9"),
    ):
        command = f"export --model {tmp_path / model} -o {tmp_path / 'out'} --format pt2 {options}".split()
        assert main(command) == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1 and message in lines[0] and not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="the backbone mdct, semantic_mdct or spectral can be exported, not seanet"):
        codec.config["backbone"]["name"] = "seanet"
        monkeypatch.setattr(codec, "backbone", nn.Identity())
        EncoderGraph(codec)
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert main(["export", "--model", str(tmp_path / "model"), "-o", str(tmp_path / "out")]) == 1
    assert "An export to ONNX needs onnx: pip install 'espnet2_decodec[onnx]'" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match="There is no export.json"):
        monkeypatch.undo()
        OnnxCodec(tmp_path)
