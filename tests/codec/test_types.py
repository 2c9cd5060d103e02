"""Types of waveforms and tokens: converted exactly, or refused by the name of the argument."""

import copy
import pickle

import numpy as np
import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.streaming import StreamingEncoder, decode_blocks, encode_blocks, separate_blocks
from espnet2_decodec.conversion import convert
from espnet2_decodec.types import Codes


@pytest.fixture(scope="module")
def codec():
    return DeCodec.from_pretrained()


@pytest.fixture(scope="module")
def wav():
    """[1, 4000], exact in all types of floats."""
    return (torch.randn(1, 4000, generator=torch.Generator().manual_seed(0)) * 0.1).bfloat16().float()


@pytest.fixture(scope="module")
def frontend():
    pytest.importorskip("espnet2")
    from espnet2_decodec.espnet.frontend import DeCodecFrontend

    return DeCodecFrontend()


def push(codec, wav):
    streaming = StreamingEncoder(codec)
    streaming.push(wav[0])
    return [streaming.flush().speech]


METHODS = {
    "encode": lambda codec, wav: list(vars(codec.encode(wav)).values())[:3],
    "separate": lambda codec, wav: list(vars(codec.separate(wav)).values())[:2],
    "content": lambda codec, wav: [codec.content(wav)],
    "content_tokens": lambda codec, wav: [codec.content_tokens(wav)],
    "stream": push,
    "encode_blocks": lambda codec, wav: [block.speech for block in encode_blocks(codec, [wav[0]])],
    "separate_blocks": lambda codec, wav: [block.speech for block in separate_blocks(codec, [wav[0]])],
    "convert": lambda codec, wav: [convert(codec, wav, wav)],
}
"""Public functions of waveforms [B, L] -> tensors."""

CONVERSIONS = {
    "half": torch.Tensor.half,
    "bfloat16": torch.Tensor.bfloat16,
    "double": torch.Tensor.double,
    "numpy": torch.Tensor.numpy,
    "numpy_half": lambda x: x.half().numpy(),
    "big_endian": lambda x: x.numpy().astype(">f8"),
    "reversed_twice": lambda x: np.ascontiguousarray(x.numpy()[:, ::-1])[:, ::-1],
    "longdouble": lambda x: x.numpy().astype(np.longdouble),
    "read_only": lambda x: np.frombuffer(x.numpy().tobytes(), np.float32).reshape(x.shape),
    "not_contiguous": lambda x: torch.stack([x, x], -1)[..., 0],
    "requires_grad": lambda x: x.clone().requires_grad_(),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_floats_of_every_kind_give_the_same(codec, wav, method, conversion):
    call, expected = METHODS[method], METHODS[method](codec, wav)
    found = call(codec, CONVERSIONS[conversion](wav))
    assert len(found) == len(expected) > 0
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(found, expected))


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_floats_of_every_kind_give_the_same_features(frontend, wav, conversion):
    lengths = torch.tensor([4000])
    assert torch.equal(frontend(CONVERSIONS[conversion](wav), lengths)[0], frontend(wav, lengths)[0])


INTEGERS = [torch.Tensor.short, torch.Tensor.int, torch.Tensor.bool, torch.Tensor.tolist, lambda x: x.short().numpy()]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("integers", INTEGERS)
def test_integers_are_refused(codec, wav, method, integers):
    with pytest.raises(TypeError, match=r"must be a tensor or a NumPy array of floats in -1\.\.1"):
        METHODS[method](codec, integers(wav * 32768))


@pytest.mark.parametrize("integers", INTEGERS)
def test_integers_are_refused_by_the_frontend(frontend, wav, integers):
    with pytest.raises(TypeError, match=r"input must be a tensor or a NumPy array of floats in -1\.\.1"):
        frontend(integers(wav * 32768), torch.tensor([4000]))


NOT_DENSE = {
    "mask": lambda x: np.ma.masked_array(x.numpy(), x.numpy() > 0.1),
    "device meta": lambda x: x.to("meta"),
    "sparse": lambda x: x.to_sparse(),
    "object": lambda x: np.array([[None] * 3]),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", NOT_DENSE)
def test_tensors_without_all_samples_are_refused(codec, wav, method, kind):
    with pytest.raises(TypeError, match=rf"must be a tensor or a NumPy array of floats in -1\.\.1, not .*{kind}"):
        METHODS[method](codec, NOT_DENSE[kind](wav))


def test_the_frontend_refuses_what_the_codec_refuses(frontend, wav):
    lengths, two = torch.tensor([4000]), torch.tensor([4000, 4000])
    for given in (lengths + 1, -lengths, lengths * 0, two):
        with pytest.raises(ValueError, match=r"Lengths must be 1 numbers within 1\.\.4000 samples"):
            frontend(wav, given)
    for given in (wav[0], wav[:, None], wav[:, :0]):
        with pytest.raises(ValueError, match=r"A batch of waveforms is \[B, L\]"):
            frontend(given, lengths)
    with pytest.raises(ValueError, match="not finite"):
        frontend(wav * float("nan"), lengths)


def test_unscaled_samples_are_refused(codec, wav):
    with pytest.raises(ValueError, match="full scale is 1; divide 16-bit"):
        codec.encode(wav * 32768)
    assert codec.encode(wav * 3).speech.shape == codec.encode(wav).speech.shape


@pytest.mark.parametrize("kind", ["int16", "int32", "uint16", "int64"])
def test_tokens_of_any_integer_type(codec, wav, kind):
    codes = codec.encode(wav)
    arrays = [tokens.numpy().astype(kind) for tokens in (codes.speech, codes.background, codes.lengths)]
    kinds = (
        lambda x: x,
        lambda x: torch.from_numpy(x.astype("int32")),
        lambda x: x.tolist(),
        lambda x: x[..., ::-1][..., ::-1],
    )
    for form in kinds:
        found = Codes(*map(form, arrays), codes.sample_rate)
        assert found.speech.dtype == torch.int64 and torch.equal(found.speech, codes.speech)
        assert torch.equal(codec.decode(found), codec.decode(codes))
        assert torch.equal(codec.remix(found, found), codec.remix(codes, codes))


def test_tokens_that_are_no_integers(codec, wav):
    codes = codec.encode(wav)
    with pytest.raises(TypeError, match="Codes.speech must be a tensor or an array of integers, not of torch.float32"):
        Codes(codes.speech.float(), codes.background, codes.lengths, 16000)
    with pytest.raises(TypeError, match="lengths must be a tensor or an array of integers"):
        codec.encode(wav, [0.5])
    assert torch.equal(codec.encode(wav, [4000]).speech, codes.speech)


@pytest.mark.parametrize("kind", ["half", "bfloat16", "double"])
def test_a_codec_in_another_type_is_refused(codec, wav, kind):
    codes, other = codec.encode(wav), getattr(copy.deepcopy(codec), kind)()
    calls = (
        lambda: other.encode(wav),
        lambda: other.decode(codes),
        lambda: other.remix(codes, codes),
        lambda: list(decode_blocks(other, [codes])),
    )
    for call in calls:
        with pytest.raises(ValueError, match=r"converted to torch\.\w+: keep float32"):
            call()


def test_a_recording_of_a_batch(codec, wav):
    codes = codec.encode(torch.cat([wav, 0.5 * wav]), [wav.shape[1], 500])
    assert torch.equal(codes.select(-1, codec.hop).speech, codes.speech[1:, :, :2])
    assert codes.select(-2, codec.hop).lengths.tolist() == [wav.shape[1]]
    with pytest.raises(IndexError):
        codes.select(2, codec.hop)


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


def test_codec_and_frontend_can_be_pickled_and_copied(codec, frontend, wav):
    lengths = torch.tensor([4000])
    for again in (pickle.loads(pickle.dumps(frontend)), copy.deepcopy(frontend)):
        again.load_state_dict(frontend.state_dict())
        assert torch.equal(again(wav, lengths)[0], frontend(wav, lengths)[0])
    assert torch.equal(pickle.loads(pickle.dumps(codec)).encode(wav).speech, codec.encode(wav).speech)
