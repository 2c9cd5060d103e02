"""Blocks of a recording give what the whole recording gives."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec import streaming
from espnet2_decodec.codec.config import TINY, TINY_SEMANTIC
from espnet2_decodec.types import Codes

HOP = 320
LENGTHS = (1, 319, 320, 321, 48001)


def make_codec(causal: bool | str = False) -> DeCodec:
    """A tiny codec with random weights, 2 + 2 blocks deep so that the contexts add up; or one with a semantic level."""
    torch.manual_seed(0)
    if causal == "semantic":
        codec = DeCodec.from_config(TINY_SEMANTIC).eval()
        for network in (codec.backbone.decoder, codec.backbone.background_decoder, codec.backbone.encoder):
            torch.nn.init.normal_(network.out_proj.weight, std=0.1)
        codec.speech_quantizer.scale[-2] = 0.01  # f0 within its range: at the limit, pulses would fall on frame edges
        return codec
    backbone = {**TINY["backbone"], "encoder_blocks": 2, "decoder_blocks": 2, "causal": causal}
    return DeCodec.from_config({**TINY, "backbone": backbone}).eval()


def make_wav(length: int) -> torch.Tensor:
    """Noise with increasing level, so that frames differ."""
    generator = torch.Generator().manual_seed(length)
    return torch.randn(length, generator=generator) * torch.linspace(0.05, 0.3, length)


def cut(wav: torch.Tensor, size: int) -> tuple[torch.Tensor, ...]:
    """Blocks of `size`, the last one shorter."""
    return wav.split(size)


def assert_same_wav(wav: torch.Tensor, expected: torch.Tensor) -> None:
    """Equal up to rounding, relative to the peak if it is beyond full scale."""
    assert torch.allclose(wav, expected, atol=1e-4 * max(1.0, float(expected.abs().max())))


def assert_same_codes(blocks: Codes, whole: Codes) -> None:
    """Equal lengths, and equal tokens except for rare ties."""
    assert blocks.lengths.tolist() == whole.lengths.tolist()
    for ours, theirs in ((blocks.speech, whole.speech), (blocks.background, whole.background)):
        assert ours.shape == theirs.shape
        assert (ours == theirs).float().mean() >= 0.999


@pytest.mark.parametrize("causal", [False, True, "semantic"])
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("size", [1, 333, 16000, 10**6])
def test_blocks_equal_the_whole_recording(causal, length, size):
    """encode_blocks, decode_blocks and separate_blocks, for any sizes of the blocks."""
    if size == 1 and length > 1000:
        size = 17
    codec, wav = make_codec(causal), make_wav(length)
    whole = codec.encode(wav[None])
    blocks = list(streaming.encode_blocks(codec, cut(wav, size), frames=13))
    assert_same_codes(streaming.concatenate(blocks), whole)
    pieces = [
        Codes(whole.speech[..., t : t + 7], whole.background[..., t : t + 7], n[None], 16000)
        for t, n in spans(whole, 7)
    ]
    decoded = torch.cat(list(streaming.decode_blocks(codec, pieces, frames=11)))
    assert decoded.shape == (length,)
    assert_same_wav(decoded, codec.decode(whole)[0])
    stems = list(streaming.separate_blocks(codec, cut(wav, size), quantize=False, frames=13))
    expected = codec.separate(wav[None], quantize=False)
    assert torch.allclose(torch.cat([s.speech for s in stems], dim=1), expected.speech, atol=1e-4)
    assert torch.allclose(torch.cat([s.background for s in stems], dim=1), expected.background, atol=1e-4)


def spans(codes: Codes, size: int):
    """(first frame, samples) of blocks of `size` frames."""
    left = int(codes.lengths[0])
    for start in range(0, codes.speech.shape[2], size):
        yield start, torch.tensor(min(left, size * HOP))
        left -= size * HOP


@pytest.mark.parametrize("causal", [False, "semantic"])
def test_quantized_stems_have_the_chosen_levels(causal):
    """separate_blocks quantizes with as many levels as asked for."""
    codec, wav = make_codec(causal), make_wav(9000)
    stems = list(streaming.separate_blocks(codec, [wav], speech_levels=1, background_levels=2, frames=10))
    expected = codec.separate(wav[None], speech_levels=1, background_levels=2)
    assert torch.allclose(torch.cat([s.speech for s in stems], dim=1), expected.speech, atol=1e-4)
    assert torch.allclose(torch.cat([s.background for s in stems], dim=1), expected.background, atol=1e-4)


def test_quantized_stems_come_together():
    """Blocks of both stems are equally long and whole, also where the first block completes the background alone."""
    codec = make_codec("semantic")
    (_, encoder_right), (_, decoder_right) = codec.receptive_field
    quantizer = codec.speech_quantizer
    frames = encoder_right + quantizer.encoding_context[1] + decoder_right + quantizer.context[1]
    wav = make_wav(2 * frames * HOP)
    stems = list(streaming.separate_blocks(codec, [wav], frames=frames))
    expected = codec.separate(wav[None])
    assert all(block.speech.shape == block.background.shape for block in stems)
    for stream in ("speech", "background"):
        whole = torch.cat([getattr(block, stream) for block in stems], dim=1)
        assert_same_wav(whole, getattr(expected, stream))


@pytest.mark.parametrize("speech,background", [(True, False), (False, True)])
@pytest.mark.parametrize("causal", [False, "semantic"])
def test_one_stream_alone(speech, background, causal):
    """decode_blocks omits a stream as decode does."""
    codec, wav = make_codec(causal), make_wav(9000)
    codes = codec.encode(wav[None])
    decoded = torch.cat(list(streaming.decode_blocks(codec, [codes], speech, background, frames=10)))
    assert_same_wav(decoded, codec.decode(codes, speech, background)[0])


@pytest.mark.parametrize("causal", [False, True, "semantic"])
def test_live_latency_is_the_stated_one(causal):
    """A sample is returned as soon as `latency` samples from it on were pushed."""
    codec, wav = make_codec(causal), make_wav(12345)
    promised = streaming.latency(codec)
    assert codec.latency in (promised, None) and (codec.latency is not None) == (causal is True)
    encoder, decoder, out, late = streaming.StreamingEncoder(codec), streaming.StreamingDecoder(codec), [], []
    for end in range(100, 12346, 100):
        codes = encoder.push(wav[end - 100 : end])
        if codes is not None:
            out.append(decoder.push(codes))
        late.append(end - sum(map(len, out)))
    assert max(late) < promised
    out.append(
        torch.cat([decoder.push(codes) for codes in [encoder.push(wav[12300:]), encoder.flush()] if codes is not None])
    )
    out.append(decoder.flush())
    assert_same_wav(torch.cat(out), codec.decode(codec.encode(wav[None]))[0])


def test_flush_starts_another_recording():
    """The same objects take the next recording, and an empty one has no output."""
    codec = make_codec()
    encoder, decoder = streaming.StreamingEncoder(codec), streaming.StreamingDecoder(codec)
    assert encoder.flush() is None and len(decoder.flush()) == 0
    for length in (1000, 777):
        wav = make_wav(length)
        codes = streaming.concatenate(c for c in (encoder.push(wav), encoder.flush()) if c is not None)
        assert_same_codes(codes, codec.encode(wav[None]))
        decoded = torch.cat([decoder.push(codes), decoder.flush()])
        assert_same_wav(decoded, codec.decode(codes)[0])


def test_block_without_levels_is_silent_in_that_stream():
    """The latent of a stream without levels is zero in that block."""
    codec, wav = make_codec(), make_wav(20 * HOP)
    codes = codec.encode(wav[None])
    ten = torch.tensor([10 * HOP])
    blocks = [
        Codes(codes.speech[..., :10], codes.background[..., :10], ten, 16000),
        Codes(codes.speech[..., 10:], codes.background[:, :0, 10:], ten, 16000),
    ]
    latent = codec.subspace.merge(
        codec.speech_quantizer.decode(codes.speech),
        codec.background_quantizer.decode(codes.background) * (torch.arange(20) < 10),
    )
    assert torch.allclose(
        torch.cat(list(streaming.decode_blocks(codec, blocks)))[None], codec.synthesize(latent), atol=1e-4
    )


def test_errors():
    """One clear ValueError each."""
    codec = make_codec()
    with pytest.raises(ValueError, match="no samples"):
        list(streaming.encode_blocks(codec, []))
    with pytest.raises(ValueError, match="not finite"):
        list(streaming.encode_blocks(codec, [torch.tensor([0.0, float("nan")])]))
    with pytest.raises(ValueError, match=r"not \(2, 5\)"):
        list(streaming.encode_blocks(codec, [torch.zeros(5), torch.zeros(2, 5)]))
    with pytest.raises(ValueError, match=r"within 0\.\.3, not 4"):
        streaming.encode_blocks(codec, [], speech_levels=4)
    part = codec.encode(torch.zeros(1, 321))
    with pytest.raises(ValueError, match="within a frame"):
        list(streaming.decode_blocks(codec, [part, part]))
    with pytest.raises(ValueError, match="outside 0..15"):
        list(streaming.decode_blocks(codec, [Codes(part.speech + 99, part.background, part.lengths, 16000)]))
    with pytest.raises(ValueError, match="8000 Hz"):
        list(streaming.decode_blocks(codec, [Codes(part.speech, part.background, part.lengths, 8000)]))
    with pytest.raises(ValueError, match="no blocks"):
        streaming.concatenate([])
    two = codec.encode(torch.zeros(2, 321))
    for other in (two, Codes(part.speech, part.background, part.lengths, 8000)):
        with pytest.raises(ValueError, match="different sample rates or batch sizes"):
            streaming.concatenate([part, other])
    with pytest.raises(TypeError, match="must be Codes.*not Tensor"):
        streaming.concatenate([part, part.speech])
    decoder = streaming.LatentDecoder(codec)
    for latent in (torch.zeros(3, 7), torch.zeros(codec.backbone.dim)):
        with pytest.raises(ValueError, match=rf"must be \[t, {codec.backbone.dim}\]"):
            decoder.push(latent)
    for latent in (torch.zeros(3, codec.backbone.dim).half(), None):
        with pytest.raises(TypeError, match="must be a tensor of torch.float32"):
            decoder.push(latent)
    with pytest.raises(ValueError, match="at least 0"):
        decoder.expect(-1)
    with pytest.raises(TypeError, match="whole number"):
        decoder.expect(float("nan"))
    codec.backbone.receptive_field = None
    with pytest.raises(ValueError, match="recurrent"):
        streaming.StreamingEncoder(codec)
    with pytest.raises(ValueError, match="recurrent"):
        streaming.decode_blocks(codec, [part])


@pytest.mark.parametrize("causal", [False, True])
def test_seanet_without_recurrence_streams_too(causal):
    """The other backbone: no look-ahead at all when causal, so the last frame is out before the flush."""
    pytest.importorskip("espnet2.gan_codec")
    torch.manual_seed(0)
    backbone = {"name": "seanet", "n_filters": 2, "lstm": 0, "causal": causal}
    codec, wav = DeCodec.from_config({**TINY, "backbone": backbone}).eval(), make_wav(20 * HOP + 1)
    assert codec.latency in (None, streaming.latency(codec))
    whole = codec.encode(wav[None])
    assert_same_codes(streaming.concatenate(streaming.encode_blocks(codec, wav.split(777), frames=3)), whole)
    decoded = torch.cat(list(streaming.decode_blocks(codec, [whole], frames=3)))
    assert_same_wav(decoded, codec.decode(whole)[0])
