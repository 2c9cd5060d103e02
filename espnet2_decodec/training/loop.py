"""A plain training loop with the model, mixing and losses of the ESPnet task, on torch alone.

It runs in one process, or in several that draw batches of their own and average their gradients (torch.distributed).
"""

import json
import logging
import math
import random
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from espnet2_decodec.data.augment import change_speed
from espnet2_decodec.data.config import check_fields
from espnet2_decodec.data.mixing import Batch, Mixing
from espnet2_decodec.data.sampler import MemorySegmentSampler
from espnet2_decodec.training.checkpoint import load_checkpoint, misfit, save_checkpoint
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.ranks import watch_ranks
from espnet2_decodec.training.validation import validation_scores

log = logging.getLogger(__name__)

LOGGED_SCORES = (
    "speech_si_sdr", "speech_si_sdr_unquantized", "background_si_sdr", "background_si_sdr_unquantized",
    "mixture_si_sdr", "mixture_si_sdr_unquantized", "ceiling_si_sdr", "speech_in_background",
)  # fmt: skip

PRECISIONS = ("fp32", "bf16")
LEAST_ONE = (
    "batch_size", "pretraining_batch_size", "num_backgrounds", "warmup_steps", "eval_interval",
)  # fmt: skip
"""Options that must be at least 1."""
MIN_SEGMENT = 128
"""Samples of the shortest segments that can be drawn at all speeds."""

CLOCKS = {"wall": time.monotonic, "process": time.process_time}


@dataclass(frozen=True)
class TrainerOptions:
    """Duration, batches and optimization.

    Attributes:
        steps: generator steps; training also ends after `minutes`, whichever comes first.
        minutes: duration over all resumed runs; the learning rate follows the further advanced of both.
        clock: `wall`, or `process` for the processor time of this process, which gives equal shares to trainings on a
            machine that does other work, too. Logging and validation count as well.
        batch_size: B.
        pretraining_batch_size: B of the steps without decoding, see `Schedule.pretraining_steps`.
        segment_length: L in samples.
        num_backgrounds: M, backgrounds drawn for each item.
        lr: peak learning rate of AdamW; linear warm-up over `warmup_steps`, then cosine decay to 1 %.
        discriminator_lr: peak learning rate of the discriminator.
        warmup_steps: of the learning rate.
        grad_clip: largest norm of the gradients.
        speed_range: range of the random speed of speech segments, which changes pitch and voice.
        precision: fp32 or bf16 (autocast).
        eval_interval: steps between logging, checkpoints and validation, which also happen at the end.
        seed: of all randomness.

    Raises:
        ValueError: if an option is of another type, unknown, or out of range.
    """

    steps: int = 100_000
    minutes: float = 60.0
    clock: str = "wall"
    batch_size: int = 16
    pretraining_batch_size: int = 32
    segment_length: int = 16000
    num_backgrounds: int = 3
    lr: float = 1e-3
    discriminator_lr: float = 5e-4
    warmup_steps: int = 200
    grad_clip: float = 1.0
    speed_range: tuple[float, float] = (0.88, 1.14)
    precision: str = "fp32"
    eval_interval: int = 200
    seed: int = 0

    def __post_init__(self):
        check_fields(self)
        for name, known in (("clock", tuple(CLOCKS)), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"Unknown {name} {getattr(self, name)!r}; there are {' and '.join(known)}.")
        for name in LEAST_ONE:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name in ("lr", "discriminator_lr", "grad_clip", "minutes"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name):g}.")
        if self.steps < 0 or self.speed_range[0] <= 0 or self.segment_length < MIN_SEGMENT:
            raise ValueError(
                f"steps must be at least 0, speed_range above 0, and segment_length at least {MIN_SEGMENT} samples, "
                f"not {self.steps}, {self.speed_range} and {self.segment_length}."
            )


class Trainer:
    """Draws batches, steps generator and discriminator, keeps checkpoints.

    Args:
        objective: model and losses.
        mixing: of the batches.
        options: see `TrainerOptions`.
        folder: for checkpoints, logs and the model; training resumes from a checkpoint that it has.
        device: such as cpu or cuda.

    Raises:
        ValueError: if no checkpoint of the folder can be resumed: damaged, or of another model or number of processes.
    """

    def __init__(
        self, objective: Objective, mixing: Mixing, options: TrainerOptions, folder: str | Path, device: str = "cpu"
    ):
        self.objective, self.mixing, self.options, self.folder = objective.to(device), mixing, options, Path(folder)
        self.device = torch.device(device)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.world_size, self.rank = (dist.get_world_size(), dist.get_rank()) if dist.is_initialized() else (1, 0)
        self.random = torch.Generator(self.device).manual_seed(options.seed * 1000 + self.rank)
        if self.world_size > 1:
            torch.manual_seed(options.seed * 1000 + self.rank)
        fused = self.device.type == "cuda"
        self.optimizers = [
            torch.optim.AdamW(part.parameters(), lr, betas=(beta1, 0.99), weight_decay=1e-3, fused=fused)
            for part, lr, beta1 in (
                (objective.generator, options.lr, 0.9),
                (objective.discriminator, options.discriminator_lr, 0.8),
            )
        ]
        self.seconds = 0.0
        state = load_checkpoint(self.folder, self._check_checkpoint)
        if state is not None:
            self._resume(state)

    @property
    def done(self) -> bool:
        """Whether all steps or minutes are used."""
        return self.objective.step >= self.options.steps or self.seconds >= self.options.minutes * 60

    def train(
        self,
        speech: MemorySegmentSampler,
        background: MemorySegmentSampler,
        validation: Mapping[str, Batch] | None = None,
    ) -> None:
        """Train until all `steps` or `minutes` are used, then save the codec to folder/model.

        Args:
            speech: clean speech.
            background: backgrounds.
            validation: condition -> batch to validate on.
        """
        with watch_ranks():
            self._train(speech, background, validation or {})
        self.objective.eval()
        if self.rank == 0:
            self.objective.codec.save_pretrained(self.folder / "model", half=True)

    def _train(
        self, speech: MemorySegmentSampler, background: MemorySegmentSampler, validation: Mapping[str, Batch]
    ) -> None:
        objective, clock = self.objective, CLOCKS[self.options.clock]
        sums: dict[str, Tensor] = {}
        last_time, last_step, started = clock(), objective.step, time.monotonic()
        while not self.done:
            objective.train()
            metrics = self.step(self.draw(speech, background))
            sums = {name: sums.get(name, 0.0) + value for name, value in metrics.items()}
            now, step = clock(), objective.step
            self.seconds, last_time = self._synchronize(self.seconds + now - last_time), now
            if step % self.options.eval_interval == 0 or self.done:
                means = {name: float(value) / (step - last_step) for name, value in sums.items()}
                self.save()
                if self.rank == 0:
                    self._log_metrics(step, means, (step - last_step) / (time.monotonic() - started))
                    self._validate(step, validation)
                sums, last_step, started = {}, step, time.monotonic()
        self.save()

    def draw(self, speech: MemorySegmentSampler, background: MemorySegmentSampler) -> Batch:
        """A new batch of stems."""
        options, step = self.options, self.objective.step
        pretraining = step < self.objective.schedule.pretraining_steps
        size = options.pretraining_batch_size if pretraining else options.batch_size
        speed = random.Random(f"{options.seed} {step}").uniform(*options.speed_range)
        length = int(options.segment_length * speed) // 64 * 64
        voices = change_speed(speech.draw(size, length, self.random), options.segment_length)
        backgrounds = background.draw(size * options.num_backgrounds, options.segment_length, self.random)
        return self.mixing(voices, backgrounds.view(size, options.num_backgrounds, -1), self.random)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the generator, and one of the discriminator if it takes part; returns their metrics."""
        objective, factor = self.objective, self._lr_factor()
        for optimizer, peak in zip(self.optimizers, (self.options.lr, self.options.discriminator_lr)):
            optimizer.param_groups[0]["lr"] = peak * factor
        generator_optimizer, discriminator_optimizer = self.optimizers
        with self._autocast():
            output = objective.generator_loss(batch)
        metrics = dict(output.metrics)
        metrics["norm_generator"] = self._update(output.loss, objective.generator, generator_optimizer)
        with self._autocast():
            loss, discriminator_metrics = objective.discriminator_loss(output)
        metrics |= discriminator_metrics
        if output.estimate is not None:
            metrics["norm_discriminator"] = self._update(loss, objective.discriminator, discriminator_optimizer)
        return metrics

    def save(self) -> None:
        """Write folder/checkpoint.pt, from which the same number of processes can resume."""
        random_states = [(self.random.get_state().cpu(), torch.get_rng_state())]
        if self.world_size > 1:
            gathered: list = [None] * self.world_size
            dist.all_gather_object(gathered, random_states[0])
            random_states = gathered
        if self.rank:
            return
        state = {
            "objective": self.objective.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "seconds": self.seconds,
            "random": random_states,
        }
        if self.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state()
        save_checkpoint(state, self.folder)

    def _check_checkpoint(self, state: dict) -> None:
        """Raise a ValueError if a checkpoint cannot be resumed by this training."""
        problem = misfit(self.objective.state_dict(), state["objective"])
        if problem:
            raise ValueError(f"it is of another model, {problem}")
        if len(state["random"]) != self.world_size:
            raise ValueError(f"it was trained by {len(state['random'])} processes, not by {self.world_size}")
        if len(state["optimizers"]) != len(self.optimizers) or not isinstance(state["seconds"], float):
            raise ValueError("it is not of this training loop")

    def _resume(self, state: dict) -> None:
        self.objective.load_state_dict(state["objective"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        self.seconds = state["seconds"]
        own, default = state["random"][self.rank]
        self.random.set_state(own)
        torch.set_rng_state(default)
        if "cuda" in state and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"])
        log.info("Resumed after step %d, %.1f minutes.", self.objective.step, self.seconds / 60)

    def _update(self, loss: Tensor, part: torch.nn.Module, optimizer: torch.optim.Optimizer) -> Tensor:
        """Backward pass and optimizer step; returns the norm of the gradients."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._average_gradients(part)
        norm = torch.nn.utils.clip_grad_norm_(part.parameters(), self.options.grad_clip).detach()
        optimizer.step()
        return norm

    def _average_gradients(self, part: torch.nn.Module) -> None:
        """Average over all processes. All take the same branches, so the same parameters have gradients in each."""
        if self.world_size == 1:
            return
        gradients = {p: p.grad for p in part.parameters() if p.grad is not None}
        flat = torch.cat([gradient.flatten() for gradient in gradients.values()])
        dist.all_reduce(flat)
        for p, gradient in zip(gradients, (flat / self.world_size).split([p.numel() for p in gradients])):
            p.grad = gradient.view_as(p)

    def _synchronize(self, seconds: float) -> float:
        """The time of the first process, so that all stop at the same step."""
        if self.world_size == 1:
            return seconds
        shared = torch.tensor([seconds], dtype=torch.float64, device=self.device)
        dist.broadcast(shared, 0)
        return float(shared)

    def _progress(self) -> float:
        """Completed share of the training, 0..1."""
        return min(1.0, max(self.objective.step / self.options.steps, self.seconds / (self.options.minutes * 60)))

    def _lr_factor(self) -> float:
        """Learning rate relative to its peak."""
        warmup = min(1.0, (self.objective.step + 1) / self.options.warmup_steps)
        return warmup * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self._progress())))

    def _autocast(self) -> AbstractContextManager:
        if self.options.precision == "bf16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    def _log_metrics(self, step: int, means: dict[str, float], speed: float) -> None:
        left = self.seconds * (1 / max(self._progress(), 1e-6) - 1)
        shown = " ".join(f"{name} {value:.3f}" for name, value in means.items() if not name.startswith("perplexity"))
        log.info(
            "step %d, %.2f steps/s, %.1f min done, %.1f left: %s", step, speed, self.seconds / 60, left / 60, shown
        )
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "seconds": self.seconds, **means}) + "\n")

    def _validate(self, step: int, validation: Mapping[str, Batch]) -> None:
        self.objective.eval()
        for name, batch in validation.items():
            scores = validation_scores(self.objective.codec, batch.speech, batch.background)
            shown = " ".join(f"{key} {scores[key]:.2f}" for key in LOGGED_SCORES)
            log.info("step %d, dev %s: %s", step, name, shown)
            with open(self.folder / "dev.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, "seconds": self.seconds, "condition": name, **scores}) + "\n")
