"""What tests of several folders share."""

import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a tiny codec with random weights."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    DeCodec.from_config(TINY).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def vocoder_config():
    """The config of a tiny codec with parametric levels."""
    return {
        "backbone": {"envelope": 4, "channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
        "split": {"speech_dim": 12, "background_dim": 12},
        "quantizer": {"speech_levels": 4, "background_levels": 2, "codebook_size": 16},
    }


@pytest.fixture(scope="module")
def vocoder_codec(vocoder_config):
    """A tiny codec with parametric levels, random weights, and codebooks at which something is near."""
    torch.manual_seed(0)
    codec = DeCodec.from_config(vocoder_config).eval()
    for quantizer in (codec.speech_quantizer, codec.background_quantizer):
        quantizer.start(0.2 * torch.randn(400, 12), 2)
    return codec
