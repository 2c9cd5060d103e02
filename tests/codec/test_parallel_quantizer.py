"""A first level with coordinates of its own, and codebooks that mirror themselves."""

import pytest
import torch

from espnet2_decodec.codec.quantizer import ResidualVQ

SEMANTIC, ACOUSTIC, LEVELS, SIZE = 4, 6, 3, 16


def make_quantizer(**options) -> ResidualVQ:
    torch.manual_seed(0)
    given = dict(dim=SEMANTIC + ACOUSTIC, levels=LEVELS, codebook_size=SIZE, mirrored=True)
    given |= dict(semantic_dim=SEMANTIC, parametric_dim=SEMANTIC, parametric_levels=1)
    return ResidualVQ(**{**given, **options})


def make_batch(batch: int = 2, frames: int = 200) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, SEMANTIC + ACOUSTIC, frames, generator=generator)


def told(parametric: torch.Tensor) -> torch.Tensor:
    """Sizes as `loud_or_quiet` has them, later coordinates larger."""
    loudness = torch.where(parametric.mean(-1, keepdim=True) > 0.5, 100.0, 1.0)
    return loudness * torch.linspace(0.5, 2.0, ACOUSTIC)


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
    quantizer, x = make_quantizer(sizes=told), make_batch()
    quantizer.start(x.transpose(1, 2).flatten(0, 1))
    residual = x.transpose(1, 2)
    for level, (book, chosen) in enumerate(zip(quantizer.codebooks, quantizer.encode(x).unbind(1))):
        part = slice(SEMANTIC, None) if level else slice(SEMANTIC)
        distances = (residual[:, :, None, part] - book[:, part]).square().sum(-1)
        assert torch.equal(distances.gather(2, chosen[..., None])[..., 0], distances.amin(-1))
        residual = residual - book[chosen]
        if level == 0:
            residual = torch.cat(
                [residual[..., :SEMANTIC], residual[..., SEMANTIC:] / told(book[chosen][..., :SEMANTIC])], -1
            )


def test_the_negative_of_a_sound_has_the_mirrored_codes():
    quantizer, x = make_quantizer(), make_batch()
    sign = torch.ones(SEMANTIC + ACOUSTIC)
    sign[SEMANTIC:] = -1
    codes, mirrored = quantizer.encode(x), quantizer.encode(x * sign[:, None])
    assert torch.equal(codes[:, 0], mirrored[:, 0])
    assert torch.equal((codes[:, 1:] + SIZE // 2) % SIZE, mirrored[:, 1:])


def loud_or_quiet(count: int = 4096) -> torch.Tensor:
    """[M, D] frames whose semantic coordinates tell how loud the others are."""
    generator = torch.Generator().manual_seed(3)
    kind = torch.arange(count) % 2
    frames = torch.randn(count, SEMANTIC + ACOUSTIC, generator=generator) * 0.1
    frames[:, :SEMANTIC] += kind[:, None]
    frames[:, SEMANTIC:] *= torch.where(kind == 1, 100.0, 1.0)[:, None]
    return frames


def missed_by(sizes) -> torch.Tensor:
    """What a quantizer that is trained on quiet and loud frames leaves of their power, by coordinate: [2, ACOUSTIC]."""
    quantizer, frames = make_quantizer(codebook_size=64, decay=0.9, sizes=sizes), loud_or_quiet()
    quantizer.start(frames)
    for _ in range(20):
        quantizer(frames.T[None], levels(LEVELS))
    decoded = quantizer.decode(quantizer.encode(frames.T[None]))[0].T
    kinds = [x[:, SEMANTIC:].square().view(-1, 2, ACOUSTIC).mean(0) for x in (decoded - frames, frames)]
    return kinds[0] / kinds[1].mean(1, keepdim=True)


def test_decoded_parameters_tell_the_other_levels_how_loud_they_are():
    """Loud and quiet frames are coded equally well, relative to their own power."""
    shares = missed_by(lambda parametric: told(parametric).mean(-1, keepdim=True)).mean(1)
    assert shares.max() < 0.4 and abs(shares[0] / shares[1] - 1) < 0.2


def test_the_error_is_spread_as_the_sizes_are():
    """More of it in coordinates that are told to be larger, in loud and in quiet frames alike."""
    even, shaped = missed_by(lambda parametric: told(parametric).mean(-1, keepdim=True)), missed_by(told)
    assert ((shaped[:, -1] / shaped[:, 0]) > 2 * (even[:, -1] / even[:, 0])).all()
    assert abs(shaped[0].mean() / shaped[1].mean() - 1) < 0.2


@pytest.mark.parametrize("count", range(1, LEVELS + 1))
def test_what_each_level_adds_sums_up(count):
    quantizer, x = make_quantizer(sizes=told), loud_or_quiet(200).T[None]
    quantizer.start(x[0].T)
    codes = quantizer.encode(x, count)
    torch.testing.assert_close(quantizer.embed(codes).sum(0), quantizer.decode(codes))


def test_training_values_are_what_decoding_gives():
    quantizer, x = make_quantizer(sizes=told), loud_or_quiet(200).T[None]
    quantizer.start(x[0].T)
    quantizer.eval()
    for count in range(LEVELS + 1):
        values = quantizer(x, levels(count)).values
        torch.testing.assert_close(values, quantizer.decode(quantizer.encode(x, count)), atol=1e-4, rtol=1e-4)


def test_mirroring_learns_a_symmetric_source_from_fewer_frames():
    """On frames that k-means has not seen, the mirrored codebooks leave less over."""
    frames = torch.randn(4096, ACOUSTIC, generator=torch.Generator().manual_seed(2))
    errors = []
    for mirrored in (True, False):
        quantizer = make_quantizer(dim=ACOUSTIC, semantic_dim=0, parametric_dim=0, mirrored=mirrored, codebook_size=32)
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


def test_parametric_levels_refine_each_other_and_leave_the_waveform_alone():
    """Level 1 codes its own coordinates, level 2 what it left over and two more, level 3 the rest."""
    quantizer = make_quantizer(parametric_dim=SEMANTIC + 2, parametric_levels=2)
    x = make_batch()
    quantizer.start(x.transpose(1, 2).flatten(0, 1))
    books = quantizer.codebooks
    assert (
        not books[0, :, SEMANTIC:].any()
        and not books[1, :, SEMANTIC + 2 :].any()
        and not books[2, :, : SEMANTIC + 2].any()
    )
    errors = [(x - quantizer.decode(quantizer.encode(x, k))).square().mean((0, 2)) for k in (1, 2, 3)]
    assert (errors[1][: SEMANTIC + 2] < errors[0][: SEMANTIC + 2]).all()
    assert torch.equal(errors[1][: SEMANTIC + 2], errors[2][: SEMANTIC + 2])
    assert (errors[2][SEMANTIC + 2 :] < errors[1][SEMANTIC + 2 :]).all()
    parts = quantizer.embed(quantizer.encode(x))
    torch.testing.assert_close(parts.sum(0), quantizer.decode(quantizer.encode(x)), atol=1e-5, rtol=1e-5)


REFUSED = (
    {"semantic_dim": 10},
    {"semantic_dim": -1},
    {"parametric_dim": 10},
    {"parametric_levels": 0},
    {"codebook_size": 15},
)


@pytest.mark.parametrize("options", REFUSED)
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError):
        make_quantizer(**options)
