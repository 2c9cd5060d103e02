"""Types of waveforms and tokens: converted exactly, or refused by the name of the argument."""

import copy
import pickle

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.streaming import StreamingEncoder
from espnet2_decodec.types import Codes


@pytest.fixture(scope="module")
def codec():
    return DeCodec.from_pretrained()


@pytest.fixture(scope="module")
def wav():
    return (torch.randn(1, 4000, generator=torch.Generator().manual_seed(0)) * 0.1).half().float()


@pytest.mark.parametrize(
    "convert", [torch.Tensor.half, torch.Tensor.double, torch.Tensor.numpy, lambda x: x.numpy().astype(">f8")]
)
def test_floats_are_converted(codec, wav, convert):
    codes, expected = codec.encode(convert(wav)), codec.encode(wav)
    assert torch.equal(codes.speech, expected.speech) and torch.equal(codes.background, expected.background)
    streaming = StreamingEncoder(codec)
    streaming.push(convert(wav)[0])
    assert torch.equal(streaming.flush().speech, expected.speech)


@pytest.mark.parametrize("convert", [torch.Tensor.short, torch.Tensor.int, torch.Tensor.bool, torch.Tensor.tolist])
def test_integers_are_refused(codec, wav, convert):
    for call in (codec.encode, codec.separate, lambda x: StreamingEncoder(codec).push(x[0])):
        with pytest.raises(TypeError, match="wav must be a tensor or a NumPy array of floats in -1..1"):
            call(convert(wav * 32768))


def test_unscaled_samples_are_refused(codec, wav):
    with pytest.raises(ValueError, match="full scale is 1; divide 16-bit"):
        codec.encode(wav * 32768)
    assert codec.encode(wav * 3).speech.shape == codec.encode(wav).speech.shape


@pytest.mark.parametrize("kind", ["int16", "int32", "uint16", "int64"])
def test_tokens_of_any_integer_type(codec, wav, kind):
    codes = codec.encode(wav)
    arrays = [tokens.numpy().astype(kind) for tokens in (codes.speech, codes.background, codes.lengths)]
    for convert in (lambda x: x, lambda x: torch.from_numpy(x.astype("int32")), lambda x: x.tolist()):
        found = Codes(*map(convert, arrays), codes.sample_rate)
        assert found.speech.dtype == torch.int64 and torch.equal(found.speech, codes.speech)
        assert torch.equal(codec.decode(found), codec.decode(codes))


def test_tokens_that_are_no_integers(codec, wav):
    codes = codec.encode(wav)
    with pytest.raises(TypeError, match="Codes.speech must be a tensor or an array of integers, not of torch.float32"):
        Codes(codes.speech.float(), codes.background, codes.lengths, 16000)
    with pytest.raises(TypeError, match="lengths must be a tensor or an array of integers"):
        codec.encode(wav, [0.5])
    assert torch.equal(codec.encode(wav, [4000]).speech, codes.speech)


@pytest.mark.parametrize("kind", ["half", "bfloat16", "double"])
def test_a_codec_in_another_type_is_refused(codec, wav, kind):
    with pytest.raises(ValueError, match=r"converted to torch\.\w+: keep float32"):
        getattr(copy.deepcopy(codec), kind)().encode(wav)


def test_the_default_type_has_no_effect(codec, wav):
    expected = codec.encode(wav)
    torch.set_default_dtype(torch.float64)
    try:
        loaded = DeCodec.from_pretrained()
        codes = loaded.encode(wav)
        decoded = loaded.decode(codes)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(codes.speech, expected.speech) and decoded.dtype == torch.float32
    assert torch.equal(decoded, codec.decode(expected))


def test_codec_and_frontend_can_be_pickled_and_copied(codec, wav):
    frontend = pytest.importorskip("espnet2_decodec.espnet.frontend").DeCodecFrontend()
    lengths = torch.tensor([4000])
    for again in (pickle.loads(pickle.dumps(frontend)), copy.deepcopy(frontend)):
        again.load_state_dict(frontend.state_dict())
        assert torch.equal(again(wav, lengths)[0], frontend(wav, lengths)[0])
    assert torch.equal(pickle.loads(pickle.dumps(codec)).encode(wav).speech, codec.encode(wav).speech)
