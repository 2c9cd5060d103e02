"""What tests of several folders share."""

import pytest
import torch

from espnet2_decodec.codec.build import TINY
from espnet2_decodec.codec.decodec import DeCodec


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a tiny codec with random weights."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    DeCodec.from_config(TINY).save_pretrained(folder)
    return folder
