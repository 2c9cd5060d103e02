"""A parametric level in place of a waveform level."""

import pytest
import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC, merge_config
from espnet2_decodec.codec.decodec import DeCodec
from research.tokens.parametric_level import add_parametric_level


def make_codec(levels: int = 4) -> DeCodec:
    """A tiny codec with fitted codebooks, 2 parametric ones of `levels`."""
    torch.manual_seed(0)
    codec = DeCodec(merge_config(TINY_SEMANTIC, {"quantizer": {"speech_levels": levels}})).eval()
    codec.speech_quantizer.init_kmeans(speech(codec)[0].T, 4)
    return codec


@torch.no_grad()
def speech(codec: DeCodec, seed: int = 1) -> torch.Tensor:
    """Latents of the speech in modulated noise, [1, D, T]."""
    noise = torch.randn(1, 64000, generator=torch.Generator().manual_seed(seed))
    return codec.subspace.split(codec.latent(0.1 * noise * (1 + 0.9 * torch.sin(torch.arange(64000) / 900))))[0]


@torch.no_grad()
def parameter_error(codec: DeCodec, latent: torch.Tensor, levels: int) -> float:
    """Mean squared error of the parameters that so many levels decode."""
    quantizer = codec.speech_quantizer
    decoded = quantizer.decode(quantizer.encode(latent, levels))
    return float((decoded - latent)[:, quantizer.semantic_dim : quantizer.parametric_dim].square().mean())


def test_the_new_level_codes_what_the_parametric_ones_leave():
    codec = make_codec()
    found = add_parametric_level(codec, [speech(codec), speech(codec, 2)])
    assert (found.speech_levels, found.parametric_levels, codec.parametric_levels) == (4, 3, 2)
    latent = speech(codec, 3)
    assert parameter_error(found, latent, 3) < 0.8 * parameter_error(codec, latent, 2)
    assert torch.equal(found.speech_quantizer.encode(latent, 1), codec.speech_quantizer.encode(latent, 1))
    wav = 0.1 * torch.randn(1, 6400)
    assert torch.equal(found.encode(wav).background, codec.encode(wav).background)
    books, before = found.speech_quantizer.level_codebooks(), codec.speech_quantizer.level_codebooks()
    assert all(torch.equal(books[i], before[j]) for i, j in ((0, 0), (1, 1), (3, 2)))


def test_a_codec_without_two_waveform_levels_is_refused():
    codec = make_codec(levels=3)
    with pytest.raises(ValueError, match="two waveform levels"):
        add_parametric_level(codec, [speech(codec)])
    with pytest.raises(ValueError, match="k-means needs at least 16 frames"):
        add_parametric_level(make_codec(), [speech(codec)[:, :, :5]])
