"""Linear probes: logistic regression in torch, and folds that keep what belongs together on one side."""

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor, nn

PENALTY = 3.0
"""Of the squared weights, divided by the number of examples, beside the mean cross-entropy in nats."""
FOLDS = 5
STEPS = 60
"""Iterations of L-BFGS; the loss stands still before."""


class LinearProbe:
    """Multinomial logistic regression on features of mean 0 and variance 1.

    Args:
        x: [N, D] features of any scale; those that never change count for nothing.
        y: [N] int64 classes.
        classes: how many.

    Raises:
        ValueError: if the shapes do not belong together, or there is nothing to learn from.
    """

    def __init__(self, x: Tensor, y: Tensor, classes: int):
        if x.ndim != 2 or y.shape != x.shape[:1] or not len(x):
            raise ValueError(
                f"A probe needs features [N, D] and classes [N], not {tuple(x.shape)} and {tuple(y.shape)}."
            )
        self.mean, spread = x.mean(0), x.std(0, correction=0)
        self.scale = torch.where(spread > 1e-6, 1 / spread.clamp(min=1e-6), torch.zeros_like(spread))
        self.weight = torch.zeros(x.shape[1], classes, requires_grad=True)
        self.bias = torch.zeros(classes, requires_grad=True)
        features = self._scaled(x)
        search = torch.optim.LBFGS([self.weight, self.bias], max_iter=STEPS, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            search.zero_grad()
            value = nn.functional.cross_entropy(features @ self.weight + self.bias, y)
            value = value + PENALTY / len(x) * self.weight.square().sum()
            value.backward()
            return value

        with torch.enable_grad():
            search.step(loss)

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        """X [N, D] -> log probabilities [N, classes]."""
        return (self._scaled(x) @ self.weight + self.bias).log_softmax(-1)

    def _scaled(self, x: Tensor) -> Tensor:
        return (x - self.mean) * self.scale


def folds(labels: Sequence[Hashable], groups: Sequence[Hashable], count: int = FOLDS) -> list[int]:
    """Which fold each item is held out in: groups stay whole, and the groups of each label are dealt out in turn.

    Args:
        labels: of N items; of a group, that of its first item counts.
        groups: of N items.
        count: of folds, at most.

    Raises:
        ValueError: if a label has fewer than two groups, so that it cannot be both learned and tested.
    """
    first: dict[Hashable, Hashable] = {}
    for label, group in zip(labels, groups):
        first.setdefault(group, label)
    members: dict[Hashable, list[Hashable]] = {}
    for group in sorted(first, key=str):
        members.setdefault(first[group], []).append(group)
    fewest = min(members, key=lambda label: len(members[label]), default=None)
    if fewest is None or len(members[fewest]) < 2:
        raise ValueError(f"At least two separate recordings of each class are needed, and {fewest} has fewer.")
    place = {group: i % count for alike in members.values() for i, group in enumerate(alike)}
    return [place[group] for group in groups]


def cross_validated(x: Tensor, y: Tensor, held_out: Sequence[int], classes: int) -> Tensor:
    """Log probabilities [N, classes] of each item by a probe that has not seen its fold.

    Args:
        x: [N, D]. y: [N] int64. held_out: [N] folds. classes: how many.
    """
    found, fold = torch.zeros(len(x), classes), torch.tensor(list(held_out))
    for number in sorted(set(held_out)):
        test = fold == number
        found[test] = LinearProbe(x[~test], y[~test], classes)(x[test])
    return found


def majority(y: Tensor, held_out: Sequence[int]) -> Tensor:
    """[N] whether always answering with the most frequent class of the other folds is right."""
    right, fold = torch.zeros(len(y)), torch.tensor(list(held_out))
    for number in sorted(set(held_out)):
        test = fold == number
        right[test] = (y[test] == y[~test].mode().values).float()
    return right
