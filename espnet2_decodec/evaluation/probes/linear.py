"""Linear probes: logistic regression in torch, and cross-validation with whole groups in one fold."""

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor, nn

L2_PENALTY = 3.0
"""Weight of the squared coefficients, divided by the number of examples, beside the mean cross-entropy in nats."""
FOLDS = 5
MAX_ITERATIONS = 60
"""Of L-BFGS, which converges before."""


class LinearProbe:
    """Multinomial logistic regression on features of mean 0 and variance 1.

    Args:
        x: [N, D] features of any scale; constant ones are ignored.
        y: [N] int64 classes.
        classes: their number.

    Raises:
        ValueError: if the shapes do not match, or there are no examples.
    """

    def __init__(self, x: Tensor, y: Tensor, classes: int):
        if x.ndim != 2 or y.shape != x.shape[:1] or not len(x):
            raise ValueError(
                f"A probe needs features [N, D] and classes [N], not {tuple(x.shape)} and {tuple(y.shape)}."
            )
        self.mean, std = x.mean(0), x.std(0, correction=0)
        self.scale = torch.where(std > 1e-6, 1 / std.clamp(min=1e-6), torch.zeros_like(std))
        self.weight = torch.zeros(x.shape[1], classes, requires_grad=True)
        self.bias = torch.zeros(classes, requires_grad=True)
        features = self._standardize(x)
        optimizer = torch.optim.LBFGS([self.weight, self.bias], max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(features @ self.weight + self.bias, y)
            loss = loss + L2_PENALTY / len(x) * self.weight.square().sum()
            loss.backward()
            return loss

        with torch.enable_grad():
            optimizer.step(closure)

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        """Features [N, D] -> log probabilities [N, classes]."""
        return (self._standardize(x) @ self.weight + self.bias).log_softmax(-1)

    def _standardize(self, x: Tensor) -> Tensor:
        return (x - self.mean) * self.scale


def assign_folds(labels: Sequence[Hashable], groups: Sequence[Hashable], count: int = FOLDS) -> list[int]:
    """The fold in which each item is held out: groups stay whole, and those of each label alternate between folds.

    Args:
        labels: of N items; a group has the label of its first item.
        groups: of N items.
        count: folds at most.

    Raises:
        ValueError: if a label has fewer than two groups, so that it cannot be both trained on and tested.
    """
    label_of: dict[Hashable, Hashable] = {}
    for label, group in zip(labels, groups):
        label_of.setdefault(group, label)
    members: dict[Hashable, list[Hashable]] = {}
    for group in sorted(label_of, key=str):
        members.setdefault(label_of[group], []).append(group)
    fewest = min(members, key=lambda label: len(members[label]), default=None)
    if fewest is None or len(members[fewest]) < 2:
        raise ValueError(f"At least two separate recordings of each class are needed, and {fewest} has fewer.")
    fold_of = {group: i % count for same_label in members.values() for i, group in enumerate(same_label)}
    return [fold_of[group] for group in groups]


def cross_validate(x: Tensor, y: Tensor, folds: Sequence[int], classes: int) -> Tensor:
    """Log probabilities [N, classes] of each item by a probe trained without its fold.

    Args:
        x: [N, D].
        y: [N] int64.
        folds: [N].
        classes: their number.
    """
    log_probs, fold = torch.zeros(len(x), classes), torch.tensor(list(folds))
    for number in sorted(set(folds)):
        test = fold == number
        log_probs[test] = LinearProbe(x[~test], y[~test], classes)(x[test])
    return log_probs


def majority_baseline(y: Tensor, folds: Sequence[int]) -> Tensor:
    """[N] 1 where the most frequent class of the other folds is right, else 0."""
    correct, fold = torch.zeros(len(y)), torch.tensor(list(folds))
    for number in sorted(set(folds)):
        test = fold == number
        correct[test] = (y[test] == y[~test].mode().values).float()
    return correct
