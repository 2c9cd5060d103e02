"""Exported steps give the tokens and samples of the whole recording; so do the graphs of the model in the package."""

import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from espnet2_decodec import DeCodec
from espnet2_decodec.cli import main
from espnet2_decodec.codec.export import (
    DecoderGraph,
    DecoderStep,
    EncoderGraph,
    EncoderStep,
    LiveDecoder,
    LiveEncoder,
    LiveSeparator,
    OnnxCodec,
    OnnxStreamingDecoder,
    OnnxStreamingEncoder,
    export_codec,
)
from espnet2_decodec.codec.streaming import concatenate
from espnet2_decodec.io.audio import read
from espnet2_decodec.types import Codes

KINDS = ("mdct", "filter", "causal", "causal filter", "semantic", "spectral")
RECORDINGS = Path(__file__).parents[2] / "local/mini/audio"


def run_steps(step, sequences, extra, size):
    """Outputs of a step graph for sequences [1, ..., T * scale] in parts of `size` frames, and their place."""
    frames = sequences[0][0].shape[-1] // sequences[0][1]
    total = -(-(frames + step.delay) // size) * size
    padded = [(F.pad(x, (0, total * scale - x.shape[-1])), scale) for x, scale in sequences]
    valid, state, parts = (torch.arange(total) < frames).float()[None], torch.zeros(1, step.size), []
    with torch.no_grad():
        for start in range(0, total, size):
            inputs = [x[..., start * scale : (start + size) * scale] for x, scale in padded]
            *outputs, state = step(*inputs, *extra, valid[:, start : start + size], state)
            parts.append(outputs)
    return [torch.cat(part, dim=-1) for part in zip(*parts)], slice(step.delay, step.delay + frames)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 7])
def test_steps(make_codec, wav, same_samples, kind, size):
    codec, wav = make_codec(kind), wav[:, :8960]
    codes = codec.encode(wav)
    step = EncoderStep(EncoderGraph(codec))
    (speech, background), frames = run_steps(step, [(wav, codec.hop)], (), size)
    assert (speech[..., frames] == codes.speech).float().mean() > 0.999
    assert (background[..., frames] == codes.background).float().mean() > 0.999
    step = DecoderStep(DecoderGraph(codec))
    for streams in ((True, True), (True, False), (False, True)):
        gains = torch.tensor(streams).float()
        (decoded,), frames = run_steps(step, [(codes.speech, 1), (codes.background, 1)], (gains,), size)
        decoded = decoded.unflatten(1, (-1, codec.hop))[:, frames].flatten(1)
        assert same_samples(decoded, codec.decode(codes, *streams))


@pytest.mark.parametrize("kind", ["causal", "causal filter"])
def test_the_delay_of_a_causal_codec_is_its_latency(make_codec, kind):
    codec = make_codec(kind)
    delay = EncoderStep(EncoderGraph(codec)).delay + DecoderStep(DecoderGraph(codec)).delay
    assert (1 + delay) * codec.hop == codec.latency


@pytest.mark.parametrize("kind", ["causal filter", "semantic", "spectral"])
@pytest.mark.parametrize("samples", [1, 321, 9000])
def test_live(make_codec, wav, same_samples, kind, samples):
    """Recordings of any length, one after the other, in PyTorch."""
    codec = make_codec(kind)
    encoder, decoder = LiveEncoder(codec), LiveDecoder(codec)
    check_streams(codec, encoder, decoder, wav[:, :samples], same_samples)


@pytest.mark.parametrize("kind", ["mdct", "causal filter", "semantic"])
@pytest.mark.parametrize("samples", [1, 321, 9000])
def test_live_stems(make_codec, wav, kind, samples):
    codec, wav = make_codec(kind), wav[:, :samples]
    separator, expected = LiveSeparator(codec), codec.separate(wav, quantize=False)
    for size in (1, 6):
        parts = [*(separator.push(part) for part in wav[0].split(size * codec.hop - 5)), separator.flush()]
        parts = [part for part in parts if part is not None]
        for name in ("speech", "background"):
            found = torch.cat([getattr(part, name) for part in parts], dim=1)
            assert found.shape == wav.shape and (found - getattr(expected, name)).abs().max() < 1e-5
    assert separator.flush() is None


def test_live_levels_and_refusals(make_codec, wav):
    codec = make_codec("causal filter")
    encoder, decoder = LiveEncoder(codec, 2, 1), LiveDecoder(codec, 2, 1, background=False)
    tokens, _ = push_all(encoder, decoder, wav[0], codec.encode(wav, None, 2, 1), 4)
    assert torch.equal(tokens.speech, codec.encode(wav, None, 2, 1).speech)
    with pytest.raises(ValueError, match="at least one level"):
        LiveEncoder(codec, 0)
    with pytest.raises(ValueError, match="mdct and semantic_mdct only"):
        LiveSeparator(make_codec("spectral"))


@pytest.fixture(scope="module", params=["causal filter", "semantic"])
def live(request, make_codec, tmp_path_factory):
    """A codec, and the folder of its export with steps."""
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name)
    codec, folder = make_codec(request.param), tmp_path_factory.mktemp("live")
    export_codec(codec, folder, streaming=True)
    return codec, folder


def push_all(encoder, decoder, wav, codes, size):
    """Tokens of samples [L], and samples of tokens, pushed in parts of `size` frames."""
    parts = [*(encoder.push(part) for part in wav.split(size * encoder.hop - 5)), encoder.flush()]
    samples = []
    for start in range(0, codes.speech.shape[2], size):
        part = slice(start, start + size)
        length = torch.tensor([min(size * decoder.hop, len(wav) - start * decoder.hop)])
        samples.append(decoder.push(Codes(codes.speech[..., part], codes.background[..., part], length, 16000)))
    return concatenate(part for part in parts if part is not None), torch.cat([*samples, decoder.flush()])


def check_streams(codec, encoder, decoder, wav, same_samples):
    """Streams give the tokens and samples of the whole recording [1, L], twice, and nothing remains."""
    codes = codec.encode(wav)
    for size in (1, 6):
        tokens, decoded = push_all(encoder, decoder, wav[0], codes, size)
        assert torch.equal(tokens.lengths, codes.lengths)
        assert (tokens.speech == codes.speech).float().mean() > 0.999
        assert (tokens.background == codes.background).float().mean() > 0.999
        assert same_samples(decoded, codec.decode(codes)[0])
    assert encoder.flush() is None and not len(decoder.flush())


@pytest.mark.parametrize("samples", [1, 321, 9000])
def test_onnx_streams(live, wav, same_samples, samples):
    """Recordings of any length, one after the other."""
    codec, folder = live
    encoder, decoder = OnnxStreamingEncoder(folder), OnnxStreamingDecoder(folder)
    check_streams(codec, encoder, decoder, wav[:, :samples], same_samples)


def test_onnx_streams_refuse_what_is_wrong(live, wav, tmp_path):
    codec, folder = live
    encoder, decoder = OnnxStreamingEncoder(folder), OnnxStreamingDecoder(folder, background=False)
    with pytest.raises(ValueError, match="A block of samples is"):
        encoder.push(wav)
    with pytest.raises(ValueError, match="not finite"):
        encoder.push(torch.full((5,), float("nan")))
    with pytest.raises(ValueError, match="levels, not 1 of 2"):
        decoder.push(codec.encode(wav, speech_levels=2))
    decoder.push(codec.encode(wav))
    with pytest.raises(ValueError, match="may end within a frame"):
        decoder.push(codec.encode(wav))
    with pytest.raises(FileNotFoundError, match="--streaming"):
        OnnxStreamingEncoder(tmp_path)
    config = json.loads((folder / "export.json").read_text())
    (tmp_path / "encoder_step.onnx").touch()
    for damaged in ({}, {"encoder_step": {"state": "5", "delay": 3}}):
        (tmp_path / "export.json").write_text(json.dumps(config | {"streaming": damaged}))
        with pytest.raises(ValueError, match="has no sizes of the states"):
            OnnxStreamingEncoder(tmp_path)


@pytest.mark.slow
def test_the_model_in_the_package(tmp_path):
    """On ten recordings of different lengths: at least 99.9 % of the tokens, and the samples within 2e-3."""
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name)
    files = sorted(RECORDINGS.rglob("*.*"))
    if len(files) < 10:
        pytest.skip("without the recordings of local/mini")
    assert main(["export", "-o", str(tmp_path / "out"), "--streaming", "--quiet"]) == 0
    codec, whole = DeCodec.from_pretrained(), OnnxCodec(tmp_path / "out", threads=1)
    encoder, decoder = OnnxStreamingEncoder(tmp_path / "out"), OnnxStreamingDecoder(tmp_path / "out")
    total, equal = 0, {"whole": 0, "steps": 0}
    for i, file in enumerate(files[:: len(files) // 10][:10]):
        wav = read(file, codec.sample_rate)[: 32000 - 701 * i]
        expected, found = codec.encode(wav[None]), whole.encode(wav[None])
        tokens, decoded = push_all(encoder, decoder, wav, expected, 5)
        total += expected.speech.numel() + expected.background.numel()
        for key, codes in (("whole", found), ("steps", tokens)):
            for stream in ("speech", "background"):
                equal[key] += int((getattr(codes, stream) == getattr(expected, stream)).sum())
        samples = codec.decode(expected)
        assert (whole.decode(expected) - samples).abs().max() < 2e-3
        assert (decoded - samples[0]).abs().max() < 2e-3
    assert min(equal.values()) >= 0.999 * total
