"""Powers of the streams block by block, by which the gate decides."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY, TINY_SEMANTIC, merge_config
from espnet2_decodec.codec.streaming import concatenate
from espnet2_decodec.io.stream_power import blocks_with_powers, stream_powers, streams_present
from espnet2_decodec.types import Codes

OVERLAPPING = {"quantizer": {"parametric_frames": 5, "background_parametric_frames": 5}}
SAMPLES = 320 * 160 - 100
"""160 frames, the last one incomplete."""


@pytest.fixture(params=["semantic", "overlapping", "mdct", "spectral"])
def codec(request, vocoder_config):
    """A codec with random weights whose tokens decode to sound."""
    configs = {
        "semantic": TINY_SEMANTIC,
        "overlapping": merge_config(TINY_SEMANTIC, OVERLAPPING),
        "mdct": vocoder_config,
        "spectral": TINY,
    }
    torch.manual_seed(0)
    codec = DeCodec.from_config(configs[request.param]).eval()
    streams = codec.subspace.split(codec.latent(make_wav().repeat(1, 6)))
    for quantizer, stream in zip((codec.speech_quantizer, codec.background_quantizer), streams):
        frames = stream.detach()[0].T
        quantizer.init_kmeans(frames + 0.1 * frames.std() * torch.randn_like(frames), 2)
    return codec


def make_wav() -> torch.Tensor:
    """[1, L]: tones that come and go, in noise."""
    time = torch.arange(SAMPLES) / 16000
    tone = 0.2 * torch.sin(2 * torch.pi * 140 * time) * torch.sin(2 * torch.pi * 2 * time).clamp(min=0)
    return (tone + 0.02 * torch.randn(SAMPLES, generator=torch.Generator().manual_seed(0)))[None]


def cut(codes: Codes, hop: int, sizes: list[int]) -> list[Codes]:
    """Blocks of these numbers of frames, in turn."""
    blocks, start, frames = [], 0, codes.speech.shape[2]
    while start < frames:
        end = min(frames, start + sizes[len(blocks) % len(sizes)])
        length = min(int(codes.lengths[0]), end * hop) - start * hop
        parts = (tokens[..., start:end] for tokens in (codes.speech, codes.background))
        blocks.append(Codes(*parts, torch.tensor([length]), codes.sample_rate))
        start = end
    return blocks


@pytest.mark.parametrize("sizes", [[1], [7, 31], [50], [160]])
def test_powers_of_blocks_are_those_of_the_whole(codec, sizes):
    codes = codec.encode(make_wav())
    expected = stream_powers(codec, codes)
    blocks = cut(codes, codec.hop, sizes)
    found = list(blocks_with_powers(codec, blocks))
    assert all(one is other for (one, *_), other in zip(found, blocks, strict=True))
    assert all(len(x) == len(y) == block.speech.shape[2] for block, x, y in found)
    for whole, parts in zip(expected, zip(*(powers for _, *powers in found))):
        assert whole.shape == (160,) and whole.max() > 0
        assert torch.allclose(torch.cat(parts), whole, rtol=1e-3, atol=1e-5 * float(whole.max()))


def test_blocks_alone_have_other_powers_at_their_edges(vocoder_config):
    """Of codes that overlap, for which the first two and the last two frames lack patches."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(merge_config(vocoder_config, OVERLAPPING)).eval()
    codec.background_quantizer.init_kmeans(torch.randn(400, 12).abs(), 2)
    codes = codec.encode(make_wav())
    whole, blocks = stream_powers(codec, codes)[1], cut(codes, codec.hop, [40])
    found = torch.cat([powers for _, _, powers in blocks_with_powers(codec, blocks)])
    alone = torch.cat([stream_powers(codec, block)[1] for block in blocks])
    edges = torch.tensor([frame % 40 in (0, 1, 38, 39) and 1 < frame < 158 for frame in range(160)])
    differs = (alone - whole).abs() > 1e-3 * whole
    assert differs[edges].any() and not differs[~edges].any() and torch.allclose(found, whole, rtol=1e-4)


def test_a_block_is_returned_before_the_recording_ends(codec):
    """So that few blocks are in memory."""
    blocks, read = cut(codec.encode(make_wav()), codec.hop, [10]) * 20, 0

    def source():
        nonlocal read
        for block in blocks:
            if int(block.lengths[0]) == 10 * codec.hop:
                read += 1
                yield block

    waiting = [read - number for number, _ in enumerate(blocks_with_powers(codec, source()), 1)]
    assert len(waiting) == read == 300 and max(waiting) <= 60


def test_a_stream_that_a_block_lacks_has_no_power(codec):
    codes = codec.encode(make_wav())
    first, second = cut(codes, codec.hop, [80])
    lacking = Codes(second.speech, second.background[:, :0], second.lengths, 16000)
    (_, *one), (_, speech, background) = blocks_with_powers(codec, [first, lacking])
    expected = stream_powers(codec, codes)
    assert one[1].max() > 0 and not background.any()
    assert torch.allclose(speech[20:], expected[0][100:], rtol=1e-3, atol=1e-5 * float(speech.max()))
    assert not stream_powers(codec, lacking)[1].any()


def test_streams_are_present_by_the_powers_of_the_whole(codec):
    codes = codec.encode(make_wav())
    blocks = cut(codes, codec.hop, [7])
    assert streams_present(codec, blocks) == streams_present(codec, [concatenate(blocks)])
    speech = [Codes(block.speech, block.background[:, :0], block.lengths, 16000) for block in blocks]
    assert streams_present(codec, speech) == (True, False)


def test_a_recurrent_codec_measures_the_whole(monkeypatch):
    """Its blocks cannot be decoded one by one."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(TINY).eval()
    codes = codec.encode(make_wav())
    monkeypatch.setattr(codec.backbone, "receptive_field", None)
    ((block, *powers),) = blocks_with_powers(codec, cut(codes, codec.hop, [50]))
    assert torch.equal(block.speech, codes.speech) and torch.equal(block.lengths, codes.lengths)
    assert all(torch.equal(*pair) for pair in zip(powers, stream_powers(codec, codes), strict=True))
