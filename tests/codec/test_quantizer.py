"""Plain RVQ: search, codebook training, losses and masks."""

import itertools

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from espnet2_decodec.codec.quantizer import ResidualVQ

DIM, LEVELS, SIZE = 6, 3, 16


def make_quantizer(seed: int = 0, **options) -> ResidualVQ:
    """A small quantizer with random codebooks."""
    torch.manual_seed(seed)
    return ResidualVQ(**{"dim": DIM, "levels": LEVELS, "codebook_size": SIZE, **options})


def make_frames(count: int = 512, seed: int = 1) -> torch.Tensor:
    """[M, D] frames around a few centers, with a larger deviation in some dimensions than in others."""
    generator = torch.Generator().manual_seed(seed)
    centers = 2 * torch.randn(12, DIM, generator=generator)
    spread = torch.linspace(0.1, 1.0, DIM)
    picks = torch.randint(12, (count,), generator=generator)
    return centers[picks] + spread * torch.randn(count, DIM, generator=generator)


def make_batch(batch: int = 2, frames: int = 20) -> torch.Tensor:
    """x [B, D, T]."""
    return make_frames(batch * frames).view(batch, frames, DIM).transpose(1, 2)


def levels(*each: int) -> torch.Tensor:
    """Levels of each item."""
    return torch.tensor(each)


def error(quantizer: ResidualVQ, x: torch.Tensor, count: int | None = None) -> float:
    """Mean squared error of x with `count` levels."""
    return (x - quantizer.decode(quantizer.encode(x, count))).square().mean().item()


def test_codes_are_the_nearest():
    """Every level takes the code nearest to the residual, as an exhaustive search does."""
    quantizer, x = make_quantizer(), make_batch()
    codes = quantizer.encode(x)
    residual = x.transpose(1, 2)
    for book, chosen in zip(quantizer.codebooks, codes.unbind(1)):
        distances = (residual[:, :, None] - book).square().sum(-1)
        assert torch.equal(chosen, distances.argmin(-1))
        residual = residual - book[chosen]


def test_long_sequences_are_searched_in_chunks_with_the_same_result():
    """Searching in chunks changes nothing."""
    quantizer, x = make_quantizer(), make_frames(1000).T[None]
    whole = quantizer.encode(x)
    pieces = torch.cat([quantizer.encode(part) for part in x.split(100, dim=2)], dim=2)
    assert torch.equal(whole, pieces)


def test_decoding_sums_the_codes():
    """The value of K' levels is the sum of K' codes; zero for no levels."""
    quantizer, x = make_quantizer(), make_batch()
    codes = quantizer.encode(x)
    for count in range(LEVELS + 1):
        expected = sum((quantizer.codebooks[k][codes[:, k]] for k in range(count)), torch.zeros(2, 20, DIM))
        assert torch.allclose(quantizer.decode(codes[:, :count]), expected.transpose(1, 2), atol=1e-6)
        assert torch.equal(quantizer.encode(x, count), codes[:, :count])
    assert quantizer.encode(x, 0).shape == (2, 0, 20)
    assert quantizer.encode(x, 0).dtype == torch.int64


def test_each_level_lowers_the_error_after_kmeans():
    """After k-means more levels are always better."""
    quantizer, x = make_quantizer(), make_frames().T[None]
    quantizer.init_kmeans(x[0].T)
    errors = [error(quantizer, x, count) for count in range(LEVELS + 1)]
    assert all(later < 0.9 * earlier for earlier, later in itertools.pairwise(errors))


def test_kmeans_is_better_than_random_codebooks():
    """Its error is a fraction of that of random codebooks."""
    random, started = make_quantizer(), make_quantizer()
    seen, unseen = make_frames(1024).split(512)
    started.init_kmeans(seen)
    assert error(started, unseen.T[None]) < 0.3 * error(random, unseen.T[None])


def test_kmeans_refuses_too_few_frames():
    """Fewer frames than codes cannot fill a codebook."""
    with pytest.raises(ValueError, match="at least 16 frames"):
        make_quantizer().init_kmeans(torch.randn(SIZE - 1, DIM))


def test_moving_averages_converge_to_the_means_of_the_data():
    """Codes of level 1 converge to the mean of the frames that choose them."""
    quantizer, x = make_quantizer(ema_decay=0.5), make_frames().T[None]
    quantizer.init_kmeans(x[0].T, iterations=1)
    for _ in range(30):
        quantizer(x, levels(LEVELS))
    chosen = quantizer.encode(x)[0, 0]
    for code in chosen.unique():
        mean = x[0].T[chosen == code].mean(0)
        assert torch.allclose(quantizer.codebooks[0, code], mean, atol=1e-3)


def test_one_step_moves_a_code_by_the_decay():
    """One update of one used code is decay * old + (1 - decay) * mean, at equal counts."""
    quantizer = make_quantizer(levels=1, codebook_size=2, ema_decay=0.9, dead_code_threshold=0.0)
    quantizer.codebooks.copy_(torch.tensor([[1.0], [-1.0]]).expand(1, 2, DIM))
    x = torch.full((1, DIM, 1), 3.0)
    quantizer(x, levels(1))
    assert torch.allclose(quantizer.codebooks[0, 0], torch.full((DIM,), 0.9 * 1.0 + 0.1 * 3.0))
    assert torch.allclose(quantizer.codebooks[0, 1], torch.full((DIM,), -1.0))
    assert torch.allclose(quantizer.counts[0], torch.tensor([1.0, 0.9]))


def test_unused_codes_are_replaced_by_frames():
    """An unused code becomes a frame of the batch, and is used from then on."""
    quantizer = make_quantizer(ema_decay=0.5)
    frames = make_frames()
    quantizer.init_kmeans(frames)
    quantizer.codebooks[0, 3] = 1e3
    for _ in range(20):
        quantizer(frames.T[None], levels(LEVELS))
    assert quantizer.codebooks[0].abs().max() < 50
    assert len(quantizer.encode(frames.T[None])[0, 0].unique()) == SIZE


def test_codebooks_do_not_change_in_eval_mode():
    """Updates happen in training mode only."""
    quantizer = make_quantizer().eval()
    before = quantizer.codebooks.clone()
    quantizer(make_batch(), levels(LEVELS, LEVELS))
    assert torch.equal(quantizer.codebooks, before)


def test_gradient_passes_straight_through():
    """d quantized / d x is the identity, for quantized and unquantized items and for the first level alone."""
    quantizer, x = make_quantizer(), make_batch().requires_grad_()
    weights = torch.randn_like(x)
    for pick in ("x", "semantic"):
        result = quantizer(x, levels(2, LEVELS + 1))
        (gradient,) = torch.autograd.grad((getattr(result, pick) * weights).sum(), x)
        assert torch.equal(gradient, weights)


def test_commitment_pulls_towards_the_codes():
    """A step against the commitment's gradient brings x nearer to its quantized value."""
    quantizer, x = make_quantizer().eval(), make_batch().requires_grad_()
    result = quantizer(x, levels(LEVELS, LEVELS))
    result.commitment.backward()
    with torch.no_grad():
        moved = quantizer(x - 0.5 * x.grad / x.grad.abs().max(), levels(LEVELS, LEVELS))
    assert moved.commitment < result.commitment


def test_items_have_their_own_number_of_levels():
    """Each item is coded with its own number of levels; more than K leaves it unquantized; 0 gives zeros."""
    quantizer, x = make_quantizer().eval(), make_batch(batch=4)
    result = quantizer(x, levels(0, 1, LEVELS, LEVELS + 1))
    assert torch.allclose(result.x[0], torch.zeros(DIM, 20), atol=1e-6)
    for item, count in ((1, 1), (2, LEVELS)):
        alone = quantizer.decode(result.codes[item : item + 1, :count])[0]
        assert torch.allclose(result.x[item], alone, atol=1e-5)
    assert torch.equal(result.x[3], x[3])
    assert result.codes.shape == (4, LEVELS, 20)


def test_masked_frames_have_no_influence():
    """Statistics, losses and codebooks are those of the valid frames, for any padding."""
    outcomes = []
    for padding in (0.0, 1e3):
        quantizer, x = make_quantizer(dead_code_threshold=0.0), make_batch()
        mask = torch.arange(20) < torch.tensor([[20], [7]])
        x = torch.where(mask[:, None], x, torch.tensor(padding))
        result = quantizer(x, levels(LEVELS, LEVELS), mask)
        outcomes.append((result.commitment, *result.metrics.values(), quantizer.codebooks, quantizer.counts))
    for one, other in zip(*outcomes):
        assert torch.allclose(one, other, rtol=1e-5)


def test_a_masked_batch_equals_the_valid_frames_alone():
    """Masking equals removing the frames."""
    masked, alone = make_quantizer(dead_code_threshold=0.0), make_quantizer(dead_code_threshold=0.0)
    x = make_batch(batch=1)
    results = [
        masked(x, levels(LEVELS), torch.arange(20)[None] < 12),
        alone(x[:, :, :12], levels(LEVELS)),
    ]
    assert torch.allclose(results[0].commitment, results[1].commitment, rtol=1e-5)
    for name in ("error", "perplexity"):
        assert torch.allclose(results[0].metrics[name], results[1].metrics[name], rtol=1e-5)
    assert torch.allclose(masked.codebooks, alone.codebooks, atol=1e-6)


def test_replacements_are_valid_frames():
    """Padding is never used as a code."""
    quantizer, x = make_quantizer(dead_code_threshold=10.0), make_batch()
    mask = torch.arange(20) < torch.tensor([[20], [7]])
    quantizer(torch.where(mask[:, None], x, torch.tensor(1e3)), levels(LEVELS, LEVELS), mask)
    assert quantizer.codebooks.abs().max() < 50


def test_perplexity_counts_the_codes_in_use():
    """1 when all frames share a code, N when all codes are used equally."""
    quantizer = make_quantizer(levels=1).eval()
    same = torch.ones(1, DIM, 8)
    each = quantizer.codebooks[0].T[None]
    assert torch.allclose(quantizer(same, levels(1)).metrics["perplexity"], torch.ones(1))
    assert torch.allclose(quantizer(each, levels(1)).metrics["perplexity"], torch.full((1,), float(SIZE)))


def test_search_is_exact_under_autocast():
    """bf16 autocast changes no code and keeps values in float32."""
    quantizer, x = make_quantizer().eval(), make_batch()
    plain = quantizer.encode(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(quantizer.encode(x), plain)
        result = quantizer.train()(x, levels(LEVELS, LEVELS))
    assert result.x.dtype == torch.float32
    assert quantizer.codebooks.dtype == torch.float32 and quantizer.codebooks.isfinite().all()


def test_silence_stays_finite():
    """All-zero frames, and no valid frame at all, keep everything finite."""
    quantizer, x = make_quantizer(), torch.zeros(1, DIM, 5, requires_grad=True)
    for mask in (None, torch.zeros(1, 5, dtype=torch.bool)):
        result = quantizer(x, levels(LEVELS), mask)
        (result.commitment + result.x.sum()).backward()
        assert x.grad.isfinite().all()
        assert quantizer.codebooks.isfinite().all() and result.metrics["perplexity"].isfinite().all()


def _rank(rank: int, folder: str) -> None:
    """One rank of the test below: different data, k-means and a few updates, then save the state."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.set_num_threads(1)
    quantizer = make_quantizer(seed=rank, ema_decay=0.5, dead_code_threshold=0.5)
    quantizer.init_kmeans(make_frames(seed=rank))
    for step in range(3):
        quantizer(make_frames(64, seed=10 * rank + step).T[None], levels(LEVELS))
    torch.save(quantizer.state_dict(), f"{folder}/{rank}.pt")
    dist.barrier()  # gloo aborts where one rank leaves while another one still communicates
    dist.destroy_process_group()


def test_ranks_keep_equal_codebooks(tmp_path):
    """Two processes with different data end with bit-equal codebooks and counts."""
    mp.spawn(_rank, (str(tmp_path),), nprocs=2)
    one, two = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert torch.equal(one["codebooks"], two["codebooks"]) and torch.equal(one["counts"], two["counts"])
    assert not torch.equal(one["codebooks"], make_quantizer().codebooks)
