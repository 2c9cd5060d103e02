"""Gradient accumulation and bfloat16 in GAN training, which ESPnet's GAN trainer does not have.

ESPnet's trainer takes one optimizer step for each call of the model. So the batches of a step come as one item of the
iterator, and the model that the trainer calls back-propagates all of them but the last one by itself.
"""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


class StepBatches:
    """The batches of each step as one item; the last step of an epoch may have fewer.

    Args:
        batches: ids and tensors of each batch.
        count: batches of a step.
    """

    def __init__(self, batches: Iterable[tuple[list[str], dict[str, Tensor]]], count: int):
        self.batches, self.count = batches, count

    def __len__(self) -> int:
        return -(-len(self.batches) // self.count)  # type: ignore[arg-type]  # a loader of ESPnet

    def __iter__(self) -> Iterator[tuple[list[str], dict[str, list[dict[str, Tensor]]]]]:
        iterator = iter(self.batches)
        while step := list(islice(iterator, self.count)):
            yield [name for names, _ in step for name in names], {"parts": [tensors for _, tensors in step]}


class StepModel(nn.Module):
    """A model that is called with the batches of a step, for `StepBatches`.

    Args:
        model: of the codec task, or its distributed wrapper.
        scaler: of the loss with float16; None without.
        bf16: whether the forward passes are in bfloat16.
    """

    def __init__(self, model: nn.Module, scaler: torch.amp.GradScaler | None, bf16: bool):
        super().__init__()
        self.model, self.scaler, self.bf16 = model, scaler, bf16

    def forward(self, parts: list[dict[str, Tensor]], forward_generator: bool) -> dict[str, Any]:
        """Back-propagate the losses of all batches but the last one; gradients are means over the batches.

        Args:
            parts: batches of equal size.
            forward_generator: the generator step; otherwise the discriminator step.

        Returns:
            The result of the last batch with its share of the loss, the mean statistics, and the sum of the weights.
        """
        results: list[dict[str, Any]] = []
        for number, batch in enumerate(parts):
            last = number == len(parts) - 1
            with nullcontext() if last or not isinstance(self.model, DistributedDataParallel) else self.model.no_sync():
                with self._autocast(batch):
                    result = self.model(forward_generator=forward_generator, part=(number, len(parts)), **batch)
                result["loss"] = result["loss"] / len(parts)
                if not last:
                    self._backward(result["loss"])
                    result["loss"] = result["loss"].detach()
            results.append(result)
        stats = {name: torch.stack([result["stats"][name] for result in results]).mean(0) for name in result["stats"]}
        return {**result, "stats": stats, "weight": torch.stack([result["weight"] for result in results]).sum(0)}

    def _autocast(self, batch: dict[str, Tensor]):
        if not self.bf16:
            return nullcontext()
        return torch.autocast(batch["audio"].device.type, torch.bfloat16)

    def _backward(self, loss: Tensor) -> None:
        with torch.autocast(loss.device.type, enabled=False):
            (loss.sum() if self.scaler is None else self.scaler.scale(loss.sum())).backward()
