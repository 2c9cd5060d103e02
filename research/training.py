"""What all trainings here share: their options, and the loop with its log, its checkpoints and its end by a signal."""

import argparse
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from espnet2_decodec.codec.decodec import DeCodec
from research.tokens import checkpoint
from research.tokens.ema import EMA

Drawn = TypeVar("Drawn")


class MinuteSettings(Protocol):
    """Settings of a training that has a number of CPU minutes, at the end of which the learning rates fall."""

    minutes: float
    decay_minutes: float


class Trainable(Protocol[Drawn]):
    """A training: what has been done so far, and one step."""

    step: int
    minutes: float
    settings: MinuteSettings
    ema: EMA

    def train_step(self, batch: Drawn) -> dict[str, float]:
        """Take one step; return the named losses."""

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""


class CodecState:
    """Mixin for trainings of a codec with one optimizer: what a resumed one needs.

    Attributes:
        step, minutes: taken so far.
        random: of the batches.
        codec: in training.
        ema: its averaged weights.
        optimizer: of the part that is trained.
    """

    step: int
    minutes: float
    random: np.random.Generator
    codec: DeCodec
    ema: EMA
    optimizer: torch.optim.Optimizer

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""
        return {
            "step": self.step, "minutes": self.minutes, "random": self.random.bit_generator.state,
            "codec": self.codec.state_dict(), "average": self.ema.module.state_dict(), "updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        self.step, self.minutes, self.ema.updates = state["step"], state["minutes"], state["updates"]
        self.random.bit_generator.state = state["random"]
        self.codec.load_state_dict(state["codec"])
        self.ema.module.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])


def add_options(parser: argparse.ArgumentParser, config: Path) -> None:
    """Add the options of every training; `config` is the default of --config."""
    parser.add_argument("--config", type=Path, default=config)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--every", type=float, default=10.0, help="minutes between checkpoints")


def resume(trainer: Trainable, out: Path) -> bool:
    """Load the checkpoint in `out`; returns whether there is one."""
    if not checkpoint.exists(out):
        return False
    trainer.load_state(checkpoint.load(out))
    print(f"Resumed at step {trainer.step} of {out}", flush=True)
    return True


def run(
    trainer: Trainable[Drawn], draw: Callable[[], Drawn], args: argparse.Namespace, save_models: bool = False
) -> int:
    """Train until the minutes of the settings, --steps, or a TERM signal; save either way.

    Args:
        trainer: the training.
        draw: makes the next batch.
        args: values of `add_options`.
        save_models: whether OUT/model is written with every checkpoint, not at the end alone.

    Returns:
        The exit status: 143 after a TERM signal, else 0.
    """
    args.out.mkdir(parents=True, exist_ok=True)
    stop: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    sums: dict[str, list[float]] = defaultdict(list)
    used, before, saved = time.process_time(), trainer.minutes, trainer.minutes

    def save(with_model: bool) -> None:
        checkpoint.save(args.out, trainer.state())
        if with_model:
            trainer.ema.module.save_pretrained(args.out / "model", half=True, shard_megabytes=15)

    with (args.out / "log.csv").open("a") as log:
        while not stop and trainer.minutes < trainer.settings.minutes and trainer.step < args.steps:
            for name, value in trainer.train_step(draw()).items():
                sums[name].append(value)
            trainer.minutes = before + (time.process_time() - used) / 60
            if trainer.step % 50 == 0:
                means = " ".join(f"{name}={np.mean(values):.4f}" for name, values in sums.items())
                log.write(f"step={trainer.step} minutes={trainer.minutes:.2f} {means}\n")
                log.flush()
                sums.clear()
            if trainer.minutes - saved > args.every:
                save(save_models)
                saved = trainer.minutes
    save(True)
    print(f"Saved at step {trainer.step}, {trainer.minutes:.1f} CPU minutes: {args.out / 'model'}", flush=True)
    return 128 + signal.SIGTERM if stop else 0


def set_learning_rates(trainer: Trainable, optimizer: torch.optim.Optimizer, warmup: int) -> None:
    """A linear rise of the rate `base` of each group over `warmup` steps, and a linear fall to 2 % at the end."""
    settings = trainer.settings
    left = max(0.02, min(1.0, (settings.minutes - trainer.minutes) / settings.decay_minutes))
    for group in optimizer.param_groups:
        group["lr"] = group["base"] * min(1.0, (trainer.step + 1) / warmup) * left


def autocast() -> torch.autocast:
    """bfloat16 where the processor has instructions for it, float32 elsewhere, where bfloat16 is slower."""
    return torch.autocast("cpu", torch.bfloat16, enabled=bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


def step_optimizer(
    optimizer: torch.optim.Optimizer, loss: torch.Tensor, weights: list[torch.nn.Parameter], clip: float, step: int
) -> float:
    """One step with clipped gradients; returns their norm.

    Raises:
        FloatingPointError: if the gradients are not finite.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(weights, clip)
    if not torch.isfinite(norm):
        raise FloatingPointError(f"The gradients are not finite at step {step}; lower the learning rate.")
    optimizer.step()
    return float(norm)
