"""The result that every kind of generator step returns."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class GeneratorOutput:
    """Loss of a generator step, and the pair of waveforms that the discriminator step needs.

    Attributes:
        loss: scalar to minimize.
        metrics: loss terms without their weights, `loss`, and statistics; all detached.
        estimate: [P, L] decoded waveforms for the discriminator, detached; None while it does not take part.
        target: [P, L] their targets.
    """

    loss: Tensor
    metrics: dict[str, Tensor]
    estimate: Tensor | None = None
    target: Tensor | None = None

    @classmethod
    def from_terms(
        cls,
        terms: Mapping[str, Tensor],
        weights: Mapping[str, float],
        metrics: Mapping[str, Tensor] | None = None,
        pair: tuple[Tensor, Tensor] | None = None,
    ) -> "GeneratorOutput":
        """The weighted sum of loss terms; terms of weight 0 are only reported.

        Args:
            terms: loss terms.
            weights: of the terms.
            metrics: further values to report.
            pair: estimate and target for the discriminator.
        """
        zero = next(iter(terms.values())).new_zeros(())
        loss = sum((weights[name] * value for name, value in terms.items() if weights[name]), zero)
        report = {name: value.detach() for name, value in terms.items()} | {"loss": loss.detach()}
        estimate, target = pair or (None, None)
        return cls(loss, report | dict(metrics or {}), estimate, target)
