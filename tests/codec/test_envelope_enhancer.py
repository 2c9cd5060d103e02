"""The enhancement of decoded envelopes: what it changes, and what it leaves."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY_SEMANTIC, merge_config
from espnet2_decodec.codec.envelope_enhancer import EnvelopeEnhancer
from research.extension import extend_codec


@pytest.fixture
def codec() -> DeCodec:
    """A tiny codec with random weights and without an enhancement."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(merge_config(TINY_SEMANTIC, {"backbone": {"enhancer_channels": 0}})).eval()
    for network in (codec.backbone.decoder, codec.backbone.post_filter.network):
        torch.nn.init.normal_(network.out_proj.weight, std=0.1)
    return codec


def test_an_untrained_one_changes_nothing_and_a_trained_one_the_speech_alone(codec):
    wav = 0.1 * torch.randn(1, 9000)
    other = extend_codec(codec, {"enhancer_channels": 8, "enhancer_blocks": 2}).eval()
    codes = codec.encode(wav)
    assert torch.equal(other.encode(wav).speech, codes.speech)
    assert torch.equal(other.decode(codes), codec.decode(codes))
    torch.nn.init.normal_(other.backbone.enhancer.network.out_proj.weight)
    assert torch.equal(other.encode(wav).speech, codes.speech)
    assert torch.equal(other.decode(codes, speech=False), codec.decode(codes, speech=False))
    assert not torch.allclose(other.decode(codes), codec.decode(codes), atol=1e-3)


def test_the_decoder_looks_farther_by_its_receptive_field(codec):
    other = extend_codec(codec, {"enhancer_channels": 8, "enhancer_blocks": 2})
    (encoder, decoder), (own_encoder, own_decoder) = codec.backbone.receptive_field, other.backbone.receptive_field
    assert own_encoder == encoder and own_decoder == tuple(frames + 2 * 3 for frames in decoder)


def test_masked_frames_count_for_nothing():
    torch.manual_seed(0)
    enhancer = EnvelopeEnhancer(n_mels=4, semantic_dim=3, mel_scale=0.03, channels=8, blocks=1)
    torch.nn.init.normal_(enhancer.network.out_proj.weight)
    inputs = [0.1 * torch.rand(1, 20, size) for size in (6, 4, 3)]
    mask = torch.arange(20)[None] < 12
    enhanced = enhancer(*inputs, mask)
    assert enhanced.shape == (1, 20, 4)
    changed = [torch.where(mask[..., None], x, torch.rand_like(x)) for x in inputs]
    assert torch.equal(enhancer(*changed, mask)[:, :12], enhanced[:, :12])
    assert not torch.equal(enhancer(*changed)[:, :12], enhancer(*inputs)[:, :12])
