"""Arguments that are refused, with an error that names the problem."""

import pytest
import torch

from espnet2_decodec import Codes, DeCodec
from espnet2_decodec.codec.config import TINY


def make_codec() -> DeCodec:
    """A tiny codec with random weights."""
    torch.manual_seed(0)
    return DeCodec.from_config(TINY).eval()


def make_wav(*shape: int) -> torch.Tensor:
    """Noise."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 0.1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_encode_refuses_samples_that_are_not_finite(value):
    """NaN and infinity."""
    wav = make_wav(2, 1000)
    wav[1, 500] = value
    with pytest.raises(ValueError, match="not finite"):
        make_codec().encode(wav)


@pytest.mark.parametrize("shape", [(1000,), (1, 1, 1000), (1, 0), (0, 1000)])
def test_encode_refuses_other_shapes(shape):
    """Only [B, L] with at least one sample."""
    with pytest.raises(ValueError, match=r"\[B, L\]"):
        make_codec().encode(torch.zeros(shape))


@pytest.mark.parametrize("lengths", [[0, 5], [5, 1001], [5], [-1, 5]])
def test_encode_refuses_impossible_lengths(lengths):
    """Lengths must be B numbers within 1..L."""
    with pytest.raises(ValueError, match="Lengths must be"):
        make_codec().encode(make_wav(2, 1000), torch.tensor(lengths))


@pytest.mark.parametrize("options", [{"speech_levels": 4}, {"background_levels": 3}, {"speech_levels": -1}])
def test_encode_refuses_levels_it_does_not_have(options):
    """Levels must be within 0..K, and the message names the stream."""
    with pytest.raises(ValueError, match=next(iter(options)).split("_")[0] + " levels must be within"):
        make_codec().encode(make_wav(1, 1000), **options)


def test_decode_refuses_codes_of_another_codec():
    """Sample rate, number of levels, and tokens outside of the codebook."""
    codec = make_codec()
    codes = codec.encode(make_wav(1, 1000))
    with pytest.raises(ValueError, match="8000 Hz"):
        codec.decode(Codes(codes.speech, codes.background, codes.lengths, 8000))
    with pytest.raises(ValueError, match="6 speech levels"):
        codec.decode(Codes(codes.speech.repeat(1, 2, 1), codes.background, codes.lengths, 16000))
    for bad in (-1, 16):
        tokens = codes.background.clone()
        tokens[0, 0, 0] = bad
        with pytest.raises(ValueError, match="background code is outside 0..15"):
            codec.decode(Codes(codes.speech, tokens, codes.lengths, 16000))


@pytest.mark.parametrize("lengths", [[0], [961], [3000]])
def test_decode_refuses_lengths_beyond_the_frames(lengths):
    """3 frames are 1..960 samples."""
    tokens = torch.zeros(1, 3, 3, dtype=torch.long)
    with pytest.raises(ValueError, match="1..960"):
        make_codec().decode(Codes(tokens, tokens[:, :2], torch.tensor(lengths), 16000))


def test_codes_refuse_shapes_that_do_not_match():
    """Different frames, different batches, missing lengths."""
    speech, lengths = torch.zeros(2, 3, 4, dtype=torch.long), torch.tensor([5, 5])
    for background, given in ((speech[:, :, :3], lengths), (speech[:1], lengths), (speech, lengths[:1])):
        with pytest.raises(ValueError, match="Codes need"):
            Codes(speech, background, given, 16000)


@pytest.mark.parametrize(
    "config, message",
    [
        ({"backbones": {}}, "Unknown config key"),
        ({"backbone": {"name": "wavenet"}}, "Unknown backbone"),
        ({"backbone": "seanet"}, "backbone"),
        ({"split": {"name": "none"}}, "Unknown split"),
        ({"quantizer": {"levels": 3}}, "levels"),
        ({"backbone": {"chanels": 3}}, "chanels"),
    ],
)
def test_configs_with_mistakes_are_refused(config, message):
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=message):
        DeCodec.from_config(config)


def test_remix_refuses_mismatches():
    """Batches of different sizes, and codes of another sample rate on either side."""
    codec = make_codec()
    one, two = codec.encode(make_wav(1, 800)), codec.encode(make_wav(2, 800))
    with pytest.raises(ValueError, match="cannot be remixed"):
        codec.remix(one, two)
    other = Codes(one.speech, one.background, one.lengths, 8000)
    for pair in ((one, other), (other, one)):
        with pytest.raises(ValueError, match="8000 Hz"):
            codec.remix(*pair)


def test_arguments_of_other_types_are_named():
    """A number of levels that is no whole number, and waveforms in the place of codes."""
    codec, wav = make_codec(), make_wav(1, 1000)
    for levels in (2.0, "2"):
        with pytest.raises(TypeError, match="speech levels must be a whole number"):
            codec.encode(wav, speech_levels=levels)
    for call in (lambda: codec.decode(wav), lambda: codec.remix(wav, codec.encode(wav))):
        with pytest.raises(TypeError, match="must be Codes.*not Tensor"):
            call()
