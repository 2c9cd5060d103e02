"""Joint optimization of codebooks: least squares is optimal for given codes, and keeps what prefixes decode to."""

import torch

from espnet2_decodec.codec.beam_search import beam_search
from espnet2_decodec.codec.kmeans import symmetrize
from research.tokens.optimize_codebooks import errors, least_squares, optimize


def make(levels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames [M, D], and random sign-symmetric codebooks."""
    torch.manual_seed(0)
    books = [symmetrize(torch.randn(8, 6) * 0.5**level) for level in range(levels)]
    return torch.randn(400, 6), torch.stack(books)


def test_least_squares_has_no_gradient_left():
    frames, books = make()
    codes = beam_search(frames, books, 2, True)
    weights = torch.tensor([0.2, 0.1, 1.0])
    half = least_squares(frames, codes, 8, weights, ridge=0.0).requires_grad_()
    rest, total = frames.clone(), torch.zeros(())
    for level in range(3):
        rest = rest - torch.cat([half[level], -half[level]])[codes[:, level]]
        total = total + weights[level] * rest.square().sum()
    total.backward()
    assert half.grad.abs().max() < 1e-2 * frames.square().sum() / len(frames)


def test_the_weights_decide_between_all_levels_and_the_first_ones():
    frames, books = make()
    codes = beam_search(frames, books, 2, True)

    def after(weights: list[float]) -> list[float]:
        half = least_squares(frames, codes, 8, torch.tensor(weights))
        return errors(frames, torch.stack([symmetrize(part) for part in half]), codes)

    first, last = after([1.0, 0.0, 0.001]), after([0.0, 0.0, 1.0])
    assert last[2] < errors(frames, books, codes)[2] and last[2] < first[2] and first[0] < last[0]


def test_turns_lower_the_error(capsys):
    frames, books = make()
    best = optimize(frames, frames[:100], books, [2, 2, 4, 4], torch.tensor([0.1, 0.1, 1.0]))
    before = errors(frames, books, beam_search(frames, books, 4, True))[2]
    assert errors(frames, best, beam_search(frames, best, 4, True))[2] < before - 0.5
    assert torch.equal(best[:, :8], -best[:, 8:])
    assert capsys.readouterr().out.count("turn") == 4
