"""Codecs and a sound that several tests export."""

import pytest
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY, TINY_SEMANTIC, merge_config

DEEP_FILTER = {"deep_filter_channels": 4, "deep_filter_blocks": 1}


def nearly_equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether samples are equal, but for a pulse that rounding moved to the next of its possible positions."""
    return a.shape == b.shape and bool(((a - b).abs() < 1e-4).float().mean() > 0.99)


@pytest.fixture(scope="session")
def same_samples():
    """The function `nearly_equal`."""
    return nearly_equal


@pytest.fixture(scope="session")
def wav():
    """A voiced sound with vibrato and a changing level, in noise, [1, L]."""
    time = torch.arange(9000) / 16000
    phase = 2 * torch.pi * 140 * time + 3 * torch.sin(6 * time)
    noise = 0.02 * torch.randn(9000, generator=torch.Generator().manual_seed(0))
    return ((0.2 * torch.sin(phase) + 0.1 * torch.sin(2 * phase)) * (1 + 0.8 * torch.sin(20 * time)) + noise)[None]


@pytest.fixture(scope="session")
def make_codec(vocoder_config, wav):
    """A function from the name of a kind of codec to a tiny one, with random weights and fitted codebooks."""
    levels = {"quantizer": {"speech_levels": 5, "background_levels": 4}}
    configs = {
        "mdct": merge_config(vocoder_config, levels),
        "filter": merge_config(vocoder_config, {"backbone": DEEP_FILTER}),
        "causal": merge_config(vocoder_config, {"backbone": {"causal": True}}),
        "causal filter": merge_config(vocoder_config, {"backbone": {"causal": True, **DEEP_FILTER}}),
        "semantic": merge_config(TINY_SEMANTIC, {"backbone": DEEP_FILTER}),
        "spectral": merge_config(TINY, {"backbone": {"n_fft": 1600}}),
    }

    def make(name: str) -> DeCodec:
        torch.manual_seed(0)
        codec = DeCodec.from_config(configs[name]).eval()
        with torch.no_grad():
            for key, parameter in codec.named_parameters():
                # The semantic features stay coordinates of the speech alone.
                if name != "semantic" or not key.startswith("subspace"):
                    parameter.add_(0.05 * torch.randn_like(parameter))
            streams = codec.subspace.split(codec.latent(wav.repeat(1, 12)))
            for quantizer, stream in zip((codec.speech_quantizer, codec.background_quantizer), streams):
                frames = stream[0].T
                quantizer.init_kmeans(frames + 0.1 * frames.std() * torch.randn_like(frames), 2)
        return codec

    return make
