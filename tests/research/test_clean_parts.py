"""Parts of the tokens' latent that are replaced by those of the clean speech."""

import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC
from espnet2_decodec.codec.decodec import DeCodec
from research.tokens.clean_parts import PARTS, coordinates, decode_with


def make_codec() -> DeCodec:
    """A tiny codec."""
    torch.manual_seed(0)
    return DeCodec(TINY_SEMANTIC).eval()


def test_the_parts_cover_the_latent_once():
    codec = make_codec()
    latent = torch.arange(codec.subspace.dims[0])
    parts = [latent[coordinates(codec.backbone, part)] for part in ("semantic", "envelope", "pitch", "bands")]
    assert torch.equal(torch.cat(parts), latent) and torch.equal(latent[coordinates(codec.backbone, "all")], latent)
    assert torch.equal(torch.cat(parts[1:3]), latent[coordinates(codec.backbone, "parameters")])


def test_with_all_parts_replaced_the_mixture_does_not_count():
    codec = make_codec()
    clean, noise = 0.1 * torch.randn(2, 6401)
    mixture = clean + noise
    plain = decode_with(codec, mixture, clean)
    assert plain.shape == clean.shape
    assert torch.allclose(plain, codec.decode(codec.encode(mixture[None]), background=False)[0], atol=1e-5)
    for place in ("before", "after"):
        both = [decode_with(codec, wav, clean, **{place: "all"}) for wav in (mixture, noise)]
        assert torch.equal(*both) and not torch.allclose(both[0], plain, atol=1e-4)
        changed = {
            part for part in PARTS if not torch.equal(decode_with(codec, mixture, clean, **{place: part}), plain)
        }
        assert {"semantic", "bands", "all"} <= changed and "none" not in changed
