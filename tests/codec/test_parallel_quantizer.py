"""A first level with coordinates of its own, and codebooks that mirror themselves."""

import pytest
import torch

from espnet2_decodec.codec.quantizer import ResidualVQ

SEMANTIC, ACOUSTIC, LEVELS, SIZE = 4, 6, 3, 16


def make_quantizer(**options) -> ResidualVQ:
    torch.manual_seed(0)
    given = {"dim": SEMANTIC + ACOUSTIC, "levels": LEVELS, "codebook_size": SIZE, "semantic_dim": SEMANTIC, "mirrored": True}
    return ResidualVQ(**{**given, **options})


def make_batch(batch: int = 2, frames: int = 200) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, SEMANTIC + ACOUSTIC, frames, generator=generator)


def levels(*each: int) -> torch.Tensor:
    return torch.tensor(each)


def assert_shape_of_codebooks(quantizer: ResidualVQ) -> None:
    """Zeros where a level does not code, and halves that are each other's negatives."""
    books = quantizer.codebooks
    assert not books[0, :, SEMANTIC:].any() and not books[1:, :, :SEMANTIC].any()
    assert books[0, :, :SEMANTIC].any() and books[1:, :, SEMANTIC:].any()
    if quantizer.mirrored:
        assert torch.equal(books[1:, : SIZE // 2], -books[1:, SIZE // 2 :])
        assert torch.allclose(quantizer.counts[1:, : SIZE // 2], quantizer.counts[1:, SIZE // 2 :])


@pytest.mark.parametrize("mirrored", [True, False])
def test_start_updates_and_revival_keep_the_shape(mirrored):
    quantizer = make_quantizer(mirrored=mirrored, decay=0.5, revive_below=0.3)
    assert_shape_of_codebooks(quantizer)
    quantizer.start(make_batch().transpose(1, 2).flatten(0, 1))
    assert_shape_of_codebooks(quantizer)
    before = quantizer.codebooks.clone()
    for _ in range(5):
        quantizer(make_batch(), levels(LEVELS, LEVELS))
    assert_shape_of_codebooks(quantizer)
    assert not torch.equal(before, quantizer.codebooks)


def test_the_half_search_finds_the_nearest_code():
    quantizer, x = make_quantizer(), make_batch()
    residual = x.transpose(1, 2)
    for book, chosen in zip(quantizer.codebooks, quantizer.encode(x).unbind(1)):
        distances = (residual[:, :, None] - book).square().sum(-1)
        assert torch.equal(distances.gather(2, chosen[..., None])[..., 0], distances.amin(-1))
        residual = residual - book[chosen]


def test_the_negative_of_a_sound_has_the_mirrored_codes():
    quantizer, x = make_quantizer(), make_batch()
    sign = torch.ones(SEMANTIC + ACOUSTIC)
    sign[SEMANTIC:] = -1
    codes, mirrored = quantizer.encode(x), quantizer.encode(x * sign[:, None])
    assert torch.equal(codes[:, 0], mirrored[:, 0])
    assert torch.equal((codes[:, 1:] + SIZE // 2) % SIZE, mirrored[:, 1:])


def test_mirroring_learns_a_symmetric_source_from_fewer_frames():
    """On frames that k-means has not seen, the mirrored codebooks leave less over."""
    frames = torch.randn(4096, ACOUSTIC, generator=torch.Generator().manual_seed(2))
    errors = []
    for mirrored in (True, False):
        quantizer = make_quantizer(dim=ACOUSTIC, semantic_dim=0, mirrored=mirrored, codebook_size=32)
        quantizer.start(frames[:64])
        unseen = frames[64:].T[None]
        errors.append((unseen - quantizer.decode(quantizer.encode(unseen))).square().mean().item())
    assert errors[0] < errors[1]


def test_the_first_level_alone_carries_its_gradient_in_its_own_coordinates():
    quantizer, x = make_quantizer(), make_batch().requires_grad_()
    (gradient,) = torch.autograd.grad(quantizer(x, levels(LEVELS, LEVELS)).first.sum(), x)
    assert (gradient[:, :SEMANTIC] == 1).all() and not gradient[:, SEMANTIC:].any()


def test_commitment_of_the_first_level_leaves_other_coordinates_alone():
    quantizer, x = make_quantizer(levels=1).eval(), make_batch().requires_grad_()
    quantizer(x, levels(1, 1)).commitment.backward()
    assert x.grad[:, :SEMANTIC].any() and not x.grad[:, SEMANTIC:].any()


@pytest.mark.parametrize("options", [{"semantic_dim": 10}, {"semantic_dim": -1}, {"codebook_size": 15}])
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError):
        make_quantizer(**options)
