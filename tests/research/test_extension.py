"""A trained codec with other options of its backbone."""

import pytest
import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC, merge_config
from espnet2_decodec.codec.decodec import DeCodec
from research.extension import extend_codec


def test_new_inputs_and_modules_change_nothing_at_first():
    torch.manual_seed(0)
    base = DeCodec(merge_config(TINY_SEMANTIC, {"backbone": {"semantic_mixture_input": False}})).eval()
    options = {"semantic_mixture_input": True, "deep_filter_channels": 4, "deep_filter_blocks": 1}
    extended, wav = extend_codec(base, options).eval(), torch.randn(1, 6400)
    assert extended.backbone.semantic_encoder.mixture_input
    assert torch.allclose(extended.latent(wav), base.latent(wav), atol=1e-5)


def test_other_shapes_are_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        extend_codec(DeCodec(TINY_SEMANTIC), {"semantic_channels": 16})
