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
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from espnet2_decodec.data.augment import change_speed
from espnet2_decodec.data.mixing import Batch, Mixing
from espnet2_decodec.data.rooms import RoomResponses
from espnet2_decodec.data.segment_sampler import SegmentSource
from espnet2_decodec.training.checkpoint import load_checkpoint, misfit, save_checkpoint
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.options import CLOCKS, TrainerOptions
from espnet2_decodec.training.ranks import watch_ranks
from espnet2_decodec.training.validation import validation_scores

log = logging.getLogger(__name__)

LOGGED_SCORES = (
    "speech_si_sdr", "speech_si_sdr_unquantized", "background_si_sdr", "background_si_sdr_unquantized",
    "mixture_si_sdr", "mixture_si_sdr_unquantized", "ceiling_si_sdr", "speech_in_background",
)  # fmt: skip


class Trainer:
    """Draws batches, steps generator and discriminator, keeps checkpoints.

    Args:
        objective: model and losses.
        mixing: of the batches.
        options: see `TrainerOptions`.
        folder: for checkpoints, logs and the model; training resumes from a checkpoint that it has, exactly if the
            number of processes is the same.
        device: such as cpu or cuda.
        rooms: room impulse responses for the speech; None for none.

    Raises:
        ValueError: if no checkpoint of the folder can be resumed: damaged, or of another model.
    """

    def __init__(
        self,
        objective: Objective,
        mixing: Mixing,
        options: TrainerOptions,
        folder: str | Path,
        device: str = "cpu",
        rooms: RoomResponses | None = None,
    ):
        self.objective, self.mixing, self.options, self.folder = objective.to(device), mixing, options, Path(folder)
        self.device, self.rooms = torch.device(device), rooms
        self.folder.mkdir(parents=True, exist_ok=True)
        self.world_size, self.rank = (dist.get_world_size(), dist.get_rank()) if dist.is_initialized() else (1, 0)
        self.random = torch.Generator(self.device)
        self._seed()
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
        speech: SegmentSource,
        background: SegmentSource,
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

    def _train(self, speech: SegmentSource, background: SegmentSource, validation: Mapping[str, Batch]) -> None:
        objective, clock = self.objective, CLOCKS[self.options.clock]
        sums: dict[str, Tensor] = {}
        last_time, last_step, started = clock(), objective.step, time.monotonic()
        while not self.done:
            objective.train()
            metrics = self.step(*(self.draw(speech, background) for _ in range(self.options.accum_grad)))
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

    def draw(self, speech: SegmentSource, background: SegmentSource) -> Batch:
        """A new batch of stems."""
        options, step = self.options, self.objective.step
        pretraining = step < self.objective.schedule.pretraining_steps
        size = options.pretraining_batch_size if pretraining else options.batch_size
        speed = random.Random(f"{options.seed} {step}").uniform(*options.speed_range)
        length = int(options.segment_length * speed) // 64 * 64
        voices = change_speed(speech.draw(size, length, self.random), options.segment_length)
        if self.rooms is not None:
            seed = int(torch.randint(2**62, (), device=self.device, generator=self.random))
            voices = self.rooms.reverberate_some(voices, options.rir_prob, np.random.default_rng(seed))
        backgrounds = background.draw(size * options.num_backgrounds, options.segment_length, self.random)
        return self.mixing(voices, backgrounds.view(size, options.num_backgrounds, -1), self.random)

    def step(self, *parts: Batch) -> dict[str, Tensor]:
        """One step of the generator, and one of the discriminator if it takes part, on the parts of a batch.

        Returns:
            Their metrics, means over the parts.
        """
        objective, factor = self.objective, self._lr_factor()
        for optimizer, peak in zip(self.optimizers, (self.options.lr, self.options.discriminator_lr)):
            optimizer.param_groups[0]["lr"] = peak * factor
            optimizer.zero_grad(set_to_none=True)
        generator_optimizer, discriminator_optimizer = self.optimizers
        outputs, reports = [], []
        for number, part in enumerate(parts):
            with self._autocast():
                output = objective.generator_loss(part, (number, len(parts)))
            (output.loss / len(parts)).backward()
            outputs.append(replace(output, loss=output.loss.detach()))
        norms = {"norm_generator": self._update(objective.generator, generator_optimizer)}
        for output in outputs:
            with self._autocast():
                loss, metrics = objective.discriminator_loss(output)
            if output.estimate is not None:
                (loss / len(parts)).backward()
            reports.append(output.metrics | metrics)
        if outputs[0].estimate is not None:
            norms["norm_discriminator"] = self._update(objective.discriminator, discriminator_optimizer)
        return {name: torch.stack([report[name] for report in reports]).mean(0) for name in reports[0]} | norms

    def save(self) -> None:
        """Write folder/checkpoint.pt, with the random state of every process."""
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
        whole = state["random"] and isinstance(state["seconds"], float)
        if len(state["optimizers"]) != len(self.optimizers) or not whole:
            raise ValueError("it is not of this training loop")

    def _resume(self, state: dict) -> None:
        self.objective.load_state_dict(state["objective"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        self.seconds = state["seconds"]
        if len(state["random"]) == self.world_size:
            own, default = state["random"][self.rank]
            self.random.set_state(own)
            torch.set_rng_state(default)
            if "cuda" in state and self.device.type == "cuda":
                torch.cuda.set_rng_state(state["cuda"])
        else:
            self._seed(self.objective.step)
            log.warning(
                "The checkpoint is of %d process(es), not of %d: random numbers begin anew, and a step has %d items.",
                len(state["random"]), self.world_size, self._step_size(),
            )  # fmt: skip
        log.info("Resumed after step %d, %.1f minutes.", self.objective.step, self.seconds / 60)

    def _seed(self, step: int = 0) -> None:
        """Seed all random numbers by the rank, and by the step from which another number of processes goes on."""
        seed = self.options.seed * 1000 + self.rank
        if step:
            seed = random.Random(f"{seed} {step} {self.world_size}").getrandbits(63)
        self.random.manual_seed(seed)
        if self.world_size > 1 or step:
            torch.manual_seed(seed)

    def _step_size(self) -> int:
        """Items of a step over all processes."""
        return self.options.batch_size * self.options.accum_grad * self.world_size

    def _update(self, part: torch.nn.Module, optimizer: torch.optim.Optimizer) -> Tensor:
        """Optimizer step with the gradients of all processes; returns their norm."""
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
