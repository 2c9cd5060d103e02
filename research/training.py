"""What all trainings here share: settings, base class, options, and the loop with its log and checkpoints."""

import argparse
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
import yaml
from torch import nn

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from research.tokens import checkpoint
from research.tokens.ema import EMA

Batch = TypeVar("Batch")
Settings = TypeVar("Settings", bound="TrainingSettings")


class MinuteSettings(Protocol):
    """Settings of a training that has a number of CPU minutes, at the end of which the learning rates fall."""

    minutes: float
    decay_minutes: float


class Trainable(Protocol[Batch]):
    """A training: what has been done so far, and one step."""

    step: int
    minutes: float
    settings: MinuteSettings
    ema: EMA

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Take one step; return the named losses."""

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""


@dataclass(kw_only=True)
class TrainingSettings:
    """Settings of every training with one optimizer.

    Attributes:
        lr: learning rate.
        warmup_steps: steps of the linear rise of the learning rates.
        minutes, decay_minutes: CPU minutes of the training, and of the linear fall of the learning rates at its end.
        clip: largest norm of the gradients.
        ema_decay: of the averaged weights.
        seed: of new weights and of everything that is drawn.
    """

    lr: float = 1e-3
    warmup_steps: int = 100
    minutes: float = 60.0
    decay_minutes: float = 20.0
    clip: float = 1.0
    ema_decay: float = 0.998
    seed: int = 0

    @classmethod
    def read(cls: type[Settings], path: str | Path) -> Settings:
        """Read a YAML file of settings that differ from the defaults."""
        return cls(**yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {})


class BaseTrainer:
    """Base class of trainings with one optimizer: set-up, updates, and what a resumed training needs.

    A subclass builds its module in `__init__`, assigns it to the attribute `module_name`, and calls `prepare`.

    Attributes:
        module_name: name of the attribute with the module in training, and its key in a checkpoint.
        betas: of AdamW.
        ema_interval: steps between two updates of the averaged weights.
        has_torch_random: whether a step draws from the random state of PyTorch.
        step, minutes: taken so far.
        random: of the batches.
        optimizer: of the weights in training.
        ema: the averaged weights of the module.

    Args:
        settings: of the training.
    """

    module_name: str
    betas = (0.9, 0.98)
    ema_interval = 1
    has_torch_random = False

    optimizer: torch.optim.Optimizer
    ema: EMA

    def __init__(self, settings: TrainingSettings):
        torch.manual_seed(settings.seed)
        self.settings, self.step, self.minutes = settings, 0, 0.0
        self.random = np.random.default_rng(settings.seed)

    @property
    def module(self) -> nn.Module:
        """The module in training."""
        return getattr(self, self.module_name)

    def prepare(self, groups: list[dict[str, Any]], weight_decay: float) -> None:
        """Make the optimizer and the average, after the module.

        Args:
            groups: of weights, with `base`, the learning rate after the warm-up.
            weight_decay: of AdamW, for groups without one of their own.
        """
        self.optimizer = torch.optim.AdamW(groups, self.settings.lr, self.betas, weight_decay=weight_decay, fused=True)
        self.ema = EMA(self.module, self.settings.ema_decay)

    def start_from(self, module: nn.Module) -> None:
        """Take the weights of a trained module of the same config."""
        for own in (self.module, self.ema.module):
            own.load_state_dict(module.state_dict())

    def update(self, loss: torch.Tensor) -> float:
        """Take a step of the optimizer and update the average; returns the norm of the gradients."""
        set_learning_rates(self, self.optimizer, self.settings.warmup_steps)
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        norm = step_optimizer(self.optimizer, loss, weights, self.settings.clip, self.step)
        self.step += 1
        if self.step % self.ema_interval == 0:
            self.ema.update(self.module)
        return norm

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""
        state = {
            "step": self.step, "minutes": self.minutes, "random": self.random.bit_generator.state,
            self.module_name: self.module.state_dict(), "average": self.ema.module.state_dict(),
            "updates": self.ema.updates, "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        return state | ({"torch_random": torch.get_rng_state()} if self.has_torch_random else {})

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        self.step, self.minutes, self.ema.updates = state["step"], state["minutes"], state["updates"]
        self.random.bit_generator.state = state["random"]
        self.module.load_state_dict(state[self.module_name])
        self.ema.module.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.has_torch_random:
            torch.set_rng_state(state["torch_random"])


class CodecState(BaseTrainer):
    """Base class of trainings of a codec."""

    module_name = "codec"
    codec: DeCodec


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
    trainer: Trainable[Batch], draw: Callable[[], Batch], args: argparse.Namespace, save_models: bool = False
) -> int:
    """Train until the minutes of the settings, --steps, or a TERM signal; save either way.

    Args:
        trainer: the training.
        draw: returns the next batch.
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


def draw_levels(level_probs: Mapping[int, float], count: int, random: np.random.Generator) -> np.ndarray:
    """Numbers of levels [count], drawn by their probabilities, which need not sum to 1."""
    shares = np.array(list(level_probs.values()))
    return random.choice(list(level_probs), count, p=shares / shares.sum())


def phase_with_random_noise(backbone: MDCTBackbone, latent: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Y [B, D, T] -> phases [B, 3, T] for `decode`, with the noise of any frames of a recording."""
    phase = backbone.advance_phase(latent)[0]
    start = torch.from_numpy(random.integers(0, 100000, (len(latent), 1, 1)))
    numbers = (phase[:, 2:] + start) % backbone.excitation.noise_period
    return torch.cat([phase[:, :2], numbers], dim=1)


def autocast() -> torch.autocast:
    """bfloat16 where the processor has instructions for it, float32 elsewhere, where bfloat16 is slower."""
    return torch.autocast("cpu", torch.bfloat16, enabled=bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


def step_optimizer(
    optimizer: torch.optim.Optimizer, loss: torch.Tensor, weights: list[nn.Parameter], clip: float, step: int
) -> float:
    """One step with clipped gradients; returns their norm.

    Raises:
        FloatingPointError: if the gradients are not finite.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(weights, clip)
    if not torch.isfinite(norm):
        raise FloatingPointError(f"The gradients are not finite at step {step}; lower the learning rate.")
    optimizer.step()
    return float(norm)
