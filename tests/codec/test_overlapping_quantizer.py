"""Codes of several frames that overlap: decoding, search, masks, context and training."""

import pytest
import torch

from espnet2_decodec.codec.overlapping_quantizer import OverlappingRVQ
from espnet2_decodec.codec.quantizer import ResidualVQ, draw_frames

DIM, LEVELS, SIZE, FRAMES = 4, 2, 16, 3


def make_quantizer(frames: int = FRAMES, **options) -> OverlappingRVQ:
    """A small quantizer with random codebooks."""
    torch.manual_seed(0)
    return OverlappingRVQ(**{"dim": DIM, "levels": LEVELS, "codebook_size": SIZE, "frames": frames, **options})


def make_frames(count: int, seed: int = 1) -> torch.Tensor:
    """[count, D] frames that resemble their neighbors."""
    noise = torch.randn(count + 8, DIM, generator=torch.Generator().manual_seed(seed))
    return noise.unfold(0, 9, 1).mean(-1) * 3


@pytest.mark.parametrize("frames", [1, 3, 5])
def test_decoding_is_a_transposed_convolution_of_the_tokens(frames):
    quantizer = make_quantizer(frames)
    codes = torch.randint(SIZE, (2, LEVELS, 20), generator=torch.Generator().manual_seed(3))
    embedded = quantizer.embed(codes)
    for level, book in enumerate(quantizer.level_codebooks()):
        tokens = torch.nn.functional.one_hot(codes[:, level], SIZE).float().transpose(1, 2)
        kernel = book.unflatten(1, (frames, DIM)).transpose(1, 2)  # [N, D, M]
        expected = torch.nn.functional.conv_transpose1d(tokens, kernel, padding=frames // 2)
        assert torch.allclose(embedded[level], expected, atol=1e-5)


def test_the_residual_is_what_the_tokens_do_not_decode():
    quantizer, frames = make_quantizer(), make_frames(50)[None]
    codes, _, residual = quantizer.search(frames, LEVELS)
    assert codes.shape == (1, LEVELS, 50)
    decoded = quantizer.embed(codes).sum(0).transpose(1, 2)
    assert torch.allclose(frames - decoded, residual, atol=1e-5)
    assert quantizer.search(frames, 1)[0].shape == (1, 1, 50)


def test_the_inputs_of_a_level_are_what_the_other_tokens_leave():
    """They are computed on request only, and change nothing else."""
    quantizer, frames = make_quantizer(), make_frames(50)[None]
    codes, inputs, residual = quantizer.search(frames, LEVELS, with_inputs=True)
    found = quantizer.search(frames, LEVELS)
    assert not found[1] and torch.equal(found[0], codes) and torch.equal(found[2], residual)
    assert [x.shape for x in inputs] == [(1, 50, FRAMES * DIM)] * LEVELS
    embedded, side = quantizer.embed(codes), FRAMES // 2
    for level in range(LEVELS):
        for frame in range(side, 50 - side):
            rest = frames - (embedded.sum(0) - embedded[level]).transpose(1, 2)
            kept = torch.ones_like(codes, dtype=torch.bool)
            kept[:, level, frame] = False
            rest = rest - quantizer.embed(codes, kept)[level].transpose(1, 2)
            expected = rest[0, frame - side : frame + side + 1].flatten()
            assert torch.allclose(inputs[level][0, frame], expected, atol=1e-5)


def test_no_other_token_would_be_better_than_the_last_one_found():
    """After many sweeps, no change of one token lowers the error."""
    quantizer, frames = make_quantizer(sweeps=30), make_frames(15)[None]
    codes, _, residual = quantizer.search(frames, LEVELS)
    best = residual.square().sum()
    inside = range(FRAMES // 2, 15 - FRAMES // 2)  # at the ends the patch beyond the recording counts as well
    for frame in inside:
        for level in range(LEVELS):
            for other in range(SIZE):
                changed = codes.clone()
                changed[0, level, frame] = other
                assert (frames - quantizer.embed(changed).sum(0).transpose(1, 2)).square().sum() > best - 1e-4


def test_codes_of_single_frames_are_those_of_greedy_residual_quantization():
    quantizer, plain, frames = make_quantizer(1, sweeps=1), ResidualVQ(DIM, LEVELS, SIZE), make_frames(40)[None]
    plain.codebooks.copy_(quantizer.patches.codebooks)
    assert torch.equal(quantizer.search(frames, LEVELS)[0], plain.search(frames, LEVELS)[0])


def test_a_batch_gives_what_its_recordings_give():
    """Frames beyond the end of a recording change nothing, whatever they hold."""
    quantizer, frames = make_quantizer(5), torch.stack([make_frames(40, 1), make_frames(40, 2)])
    mask = torch.arange(40) < torch.tensor([[23], [40]])
    codes, _, residual = quantizer.search(frames, LEVELS, mask)
    alone = quantizer.search(frames[:1, :23], LEVELS)
    assert torch.equal(codes[:1, :, :23], alone[0])
    assert torch.allclose(residual[:1, :23], alone[2], atol=1e-6)
    assert torch.allclose(quantizer.embed(codes, mask)[:, :1, :, :23], quantizer.embed(alone[0]), atol=1e-6)
    levels = torch.stack([mask, torch.zeros_like(mask)], dim=1)
    assert not quantizer.embed(codes, levels)[1].any()


@pytest.mark.parametrize("frames", [3, 5])
def test_codes_depend_on_frames_within_the_stated_context(frames):
    """Each piece of a recording, with its context, gives the codes and the residual of the whole."""
    quantizer, whole = make_quantizer(frames), make_frames(160)[None]
    left, right = quantizer.encoding_context
    codes, _, residual = quantizer.search(whole, LEVELS)
    for begin in range(60, 80):
        piece = whole[:, begin - left : begin + 1 + right]
        found, _, rest = quantizer.search(piece, LEVELS, start=begin - left)
        assert torch.equal(found[..., left], codes[..., begin])
        assert torch.allclose(rest[:, left], residual[:, begin], atol=1e-5)


def test_overlapping_codes_need_fewer_bits_than_those_of_single_frames():
    """At the same number of codes, the error of frames that resemble their neighbors is smaller."""
    frames = make_frames(3000)
    single, overlapping = ResidualVQ(DIM, LEVELS, SIZE), make_quantizer()
    single.init_kmeans(frames)
    overlapping.init_kmeans(frames)
    unseen = make_frames(1000, 5)[None]
    errors = [quantizer.search(unseen, LEVELS)[2].square().mean() for quantizer in (single, overlapping)]
    assert errors[1] < 0.8 * errors[0]


def test_moving_averages_lower_the_error():
    quantizer = make_quantizer(ema_decay=0.9)
    frames = make_frames(2000)[None]
    before = quantizer.search(frames, LEVELS)[2].square().mean()
    for _ in range(60):
        codes, inputs, _ = quantizer.search(frames, LEVELS, with_inputs=True)
        valid = torch.ones_like(codes[:, 0], dtype=torch.bool)
        quantizer.update(inputs, codes, valid, draw_frames(valid, SIZE))
    assert quantizer.search(frames, LEVELS)[2].square().mean() < 0.5 * before


def test_an_even_number_of_frames_is_refused():
    with pytest.raises(ValueError, match="odd number of frames"):
        make_quantizer(4)
