"""Semantic, parametric and waveform levels, scale factors, and sign-symmetric codebooks."""

import pytest
import torch

from espnet2_decodec.codec.quantizer import ResidualVQ
from espnet2_decodec.codec.split_quantizer import SplitRVQ

SEMANTIC, ACOUSTIC, LEVELS, SIZE = 4, 6, 3, 16


def constant(parametric: torch.Tensor) -> torch.Tensor:
    """Scale factors of one."""
    return torch.ones_like(parametric[..., :1])


def make_quantizer(**options) -> SplitRVQ:
    torch.manual_seed(0)
    given = dict(dim=SEMANTIC + ACOUSTIC, levels=LEVELS, codebook_size=SIZE, sign_symmetric=True)
    given |= dict(semantic_dim=SEMANTIC, parametric_dim=SEMANTIC, parametric_levels=1, scale_factors=constant)
    return SplitRVQ(**{**given, **options})


def make_batch(batch: int = 2, frames: int = 200) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, SEMANTIC + ACOUSTIC, frames, generator=generator)


def predicted(parametric: torch.Tensor) -> torch.Tensor:
    """Scale factors as in `loud_or_quiet`, larger for later coordinates."""
    gain = torch.where(parametric.mean(-1, keepdim=True) > 0.5, 100.0, 1.0)
    return gain * torch.linspace(0.5, 2.0, ACOUSTIC)


def levels(*each: int) -> torch.Tensor:
    return torch.tensor(each)


def assert_shape_of_codebooks(quantizer: SplitRVQ, sign_symmetric: bool) -> None:
    """Each level codes its coordinates, and halves of the waveform codebooks are each other's negatives."""
    shapes = [tuple(codebook.shape) for codebook in quantizer.level_codebooks()]
    assert shapes == [(SIZE, SEMANTIC)] + [(SIZE, ACOUSTIC)] * (LEVELS - 1)
    assert all(codebook.any() for codebook in quantizer.level_codebooks())
    waveform = quantizer.waveform
    if sign_symmetric:
        assert torch.equal(waveform.codebooks[:, : SIZE // 2], -waveform.codebooks[:, SIZE // 2 :])
        assert torch.allclose(waveform.counts[:, : SIZE // 2], waveform.counts[:, SIZE // 2 :])


@pytest.mark.parametrize("sign_symmetric", [True, False])
def test_kmeans_updates_and_replacement_keep_the_shape(sign_symmetric):
    quantizer = make_quantizer(sign_symmetric=sign_symmetric, ema_decay=0.5, dead_code_threshold=0.3)
    assert_shape_of_codebooks(quantizer, sign_symmetric)
    quantizer.init_kmeans(make_batch().transpose(1, 2).flatten(0, 1))
    assert_shape_of_codebooks(quantizer, sign_symmetric)
    before = [codebook.clone() for codebook in quantizer.level_codebooks()]
    for _ in range(5):
        quantizer(make_batch(), levels(LEVELS, LEVELS))
    assert_shape_of_codebooks(quantizer, sign_symmetric)
    assert not any(torch.equal(a, b) for a, b in zip(before, quantizer.level_codebooks()))


def test_the_search_of_half_a_codebook_finds_the_nearest_code():
    quantizer, x = make_quantizer(scale_factors=predicted), make_batch()
    quantizer.init_kmeans(x.transpose(1, 2).flatten(0, 1))
    semantic, waveform = x.transpose(1, 2).tensor_split([SEMANTIC], dim=-1)
    residual = semantic
    for level, (codebook, chosen) in enumerate(zip(quantizer.level_codebooks(), quantizer.encode(x).unbind(1))):
        distances = (residual[:, :, None] - codebook).square().sum(-1)
        assert torch.equal(distances.gather(2, chosen[..., None])[..., 0], distances.amin(-1))
        residual = waveform / predicted(codebook[chosen]) if level == 0 else residual - codebook[chosen]


def test_the_negative_of_a_waveform_has_the_opposite_codes():
    quantizer, x = make_quantizer(), make_batch()
    sign = torch.ones(SEMANTIC + ACOUSTIC)
    sign[SEMANTIC:] = -1
    codes, opposite = quantizer.encode(x), quantizer.encode(x * sign[:, None])
    assert torch.equal(codes[:, 0], opposite[:, 0])
    assert torch.equal((codes[:, 1:] + SIZE // 2) % SIZE, opposite[:, 1:])


def loud_or_quiet(count: int = 4096) -> torch.Tensor:
    """[M, D] frames whose semantic coordinates predict the level of the others."""
    generator = torch.Generator().manual_seed(3)
    kind = torch.arange(count) % 2
    frames = torch.randn(count, SEMANTIC + ACOUSTIC, generator=generator) * 0.1
    frames[:, :SEMANTIC] += kind[:, None]
    frames[:, SEMANTIC:] *= torch.where(kind == 1, 100.0, 1.0)[:, None]
    return frames


def relative_error(scale_factors) -> torch.Tensor:
    """Relative error of a quantizer that was trained on quiet and loud frames, by coordinate: [2, ACOUSTIC]."""
    quantizer = make_quantizer(codebook_size=64, ema_decay=0.9, scale_factors=scale_factors)
    frames = loud_or_quiet()
    quantizer.init_kmeans(frames)
    for _ in range(20):
        quantizer(frames.T[None], levels(LEVELS))
    decoded = quantizer.decode(quantizer.encode(frames.T[None]))[0].T
    kinds = [x[:, SEMANTIC:].square().view(-1, 2, ACOUSTIC).mean(0) for x in (decoded - frames, frames)]
    return kinds[0] / kinds[1].mean(1, keepdim=True)


def test_scale_factors_are_predicted_from_decoded_parameters():
    """Loud and quiet frames are coded equally well, relative to their own power."""
    shares = relative_error(lambda parametric: predicted(parametric).mean(-1, keepdim=True)).mean(1)
    assert shares.max() < 0.4 and abs(shares[0] / shares[1] - 1) < 0.2


def test_the_error_follows_the_scale_factors():
    """It is larger in coordinates with a larger factor, in loud and in quiet frames."""
    even, shaped = (
        relative_error(lambda parametric: predicted(parametric).mean(-1, keepdim=True)),
        relative_error(predicted),
    )
    assert ((shaped[:, -1] / shaped[:, 0]) > 2 * (even[:, -1] / even[:, 0])).all()
    assert abs(shaped[0].mean() / shaped[1].mean() - 1) < 0.2


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("count", range(1, LEVELS + 1))
def test_embeddings_of_the_levels_add_up(count, frames):
    quantizer, x = make_quantizer(scale_factors=predicted, parametric_frames=frames), loud_or_quiet(200).T[None]
    quantizer.init_kmeans(x[0].T)
    codes = quantizer.encode(x, count)
    torch.testing.assert_close(quantizer.embed(codes).sum(0), quantizer.decode(codes))


@pytest.mark.parametrize("frames", [1, 3])
def test_training_output_equals_decoding(frames):
    quantizer, x = make_quantizer(scale_factors=predicted, parametric_frames=frames), loud_or_quiet(200).T[None]
    quantizer.init_kmeans(x[0].T)
    quantizer.eval()
    for count in range(LEVELS + 1):
        values = quantizer(x, levels(count)).x
        torch.testing.assert_close(values, quantizer.decode(quantizer.encode(x, count)), atol=1e-4, rtol=1e-4)


def overlapping_quantizer(scale: float = 1.0) -> tuple[SplitRVQ, torch.Tensor]:
    """A trained quantizer whose parametric levels have codes of three frames, and its input [1, D, T]."""
    smooth = torch.randn(4008, SEMANTIC + ACOUSTIC, generator=torch.Generator().manual_seed(4)).unfold(0, 9, 1).mean(-1)
    smooth[:, SEMANTIC + 1] *= scale
    quantizer = make_quantizer(parametric_dim=SEMANTIC + 2, parametric_levels=2, parametric_frames=3)
    quantizer.init_kmeans(smooth)
    return quantizer.eval(), smooth.T[None]


def test_both_steps_of_encoding_give_its_codes():
    """Also from the middle of a recording on, with the context."""
    quantizer, x = overlapping_quantizer()
    codes = quantizer.encode(x)
    left, right = quantizer.encoding_context
    begin, end = 101, 140
    piece = x[..., begin - left : end + right]
    first, parameters = quantizer.encode_parameters(piece, start=begin - left)
    inner = slice(left, left + end - begin)
    assert torch.equal(first[..., inner], codes[:, :2, begin:end])
    rest = quantizer.encode_waveform(piece[..., inner], parameters[..., inner])
    assert torch.equal(rest, codes[:, 2:, begin:end])
    torch.testing.assert_close(parameters[..., inner], quantizer.decode(codes)[:, : SEMANTIC + 2, begin:end])


def test_codes_that_do_not_count_decode_to_nothing():
    quantizer, x = overlapping_quantizer()
    codes = quantizer.encode(x)[:, :2]
    mask = torch.ones_like(codes, dtype=torch.bool)
    mask[:, 1] = False
    torch.testing.assert_close(quantizer.decode_parameters(codes, mask), quantizer.decode_parameters(codes[:, :1]))


def test_a_coordinate_of_large_numbers_takes_no_precision_from_the_others():
    """The scale of overlapping codes brings it down to the deviation of the first coordinates."""
    errors = []
    for scale in (1.0, 100.0):
        quantizer, x = overlapping_quantizer(scale)
        decoded = quantizer.decode(quantizer.encode(x))
        errors.append((decoded - x)[:, : SEMANTIC + 1].square().mean().item())
    assert errors[1] < 1.1 * errors[0]
    assert torch.equal(quantizer.scale[:SEMANTIC], torch.ones(SEMANTIC)) and quantizer.scale[SEMANTIC + 1] > 50


def test_sign_symmetric_codebooks_learn_a_symmetric_source_from_fewer_frames():
    """On frames that k-means has not seen, their error is smaller."""
    frames = torch.randn(4096, ACOUSTIC, generator=torch.Generator().manual_seed(2))
    errors = []
    for sign_symmetric in (True, False):
        torch.manual_seed(0)
        quantizer = ResidualVQ(ACOUSTIC, LEVELS, 32, sign_symmetric)
        quantizer.init_kmeans(frames[:64])
        unseen = frames[64:].T[None]
        errors.append((unseen - quantizer.decode(quantizer.encode(unseen))).square().mean().item())
    assert errors[0] < errors[1]


def test_the_gradient_of_the_first_level_is_in_its_coordinates():
    quantizer, x = make_quantizer(), make_batch().requires_grad_()
    (gradient,) = torch.autograd.grad(quantizer(x, levels(LEVELS, LEVELS)).semantic.sum(), x)
    assert (gradient[:, :SEMANTIC] == 1).all() and not gradient[:, SEMANTIC:].any()


def test_commitment_of_the_first_level_depends_on_its_coordinates_alone():
    quantizer, x = make_quantizer(levels=1).eval(), make_batch().requires_grad_()
    quantizer(x, levels(1, 1)).commitment.backward()
    assert x.grad[:, :SEMANTIC].any() and not x.grad[:, SEMANTIC:].any()


def test_parametric_levels_refine_the_parameters_alone():
    """Level 1 codes its coordinates, level 2 the residual and two more, level 3 the rest."""
    quantizer = make_quantizer(parametric_dim=SEMANTIC + 2, parametric_levels=2)
    x = make_batch()
    quantizer.init_kmeans(x.transpose(1, 2).flatten(0, 1))
    assert [codebook.shape[1] for codebook in quantizer.level_codebooks()] == [SEMANTIC, SEMANTIC + 2, ACOUSTIC - 2]
    errors = [(x - quantizer.decode(quantizer.encode(x, k))).square().mean((0, 2)) for k in (1, 2, 3)]
    assert (errors[1][: SEMANTIC + 2] < errors[0][: SEMANTIC + 2]).all()
    assert torch.equal(errors[1][: SEMANTIC + 2], errors[2][: SEMANTIC + 2])
    assert (errors[2][SEMANTIC + 2 :] < errors[1][SEMANTIC + 2 :]).all()
    parts = quantizer.embed(quantizer.encode(x))
    torch.testing.assert_close(parts.sum(0), quantizer.decode(quantizer.encode(x)), atol=1e-5, rtol=1e-5)


REFUSED = (
    {"semantic_dim": 10},
    {"semantic_dim": -1},
    {"semantic_dim": 0, "parametric_dim": 0},
    {"parametric_dim": 10},
    {"parametric_levels": 0},
    {"codebook_size": 15},
)


@pytest.mark.parametrize("options", REFUSED)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError):
        make_quantizer(**options)
