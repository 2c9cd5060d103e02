"""A plain training loop over the same model, mixing and losses as the ESPnet task, for torch alone.

In one process, or in several that draw batches of their own and average their gradients (torch.distributed).
"""

import json
import logging
import math
import os
import random
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from espnet2_decodec.data.augment import change_speed
from espnet2_decodec.data.mixing import Batch, Mixing
from espnet2_decodec.data.sampler import MemorySegmentSampler
from espnet2_decodec.training.objective import Objective
from espnet2_decodec.training.validation import validation_scores

log = logging.getLogger(__name__)

SHOWN = (
    "speech_si_sdr", "speech_si_sdr_unquantized", "background_si_sdr", "background_si_sdr_unquantized",
    "mixture_si_sdr", "mixture_si_sdr_unquantized", "ceiling_si_sdr", "speech_in_background",
)  # fmt: skip

CLOCKS = {"wall": time.monotonic, "process": time.process_time}


@dataclass(frozen=True)
class Options:
    """How long and how fast.

    Attributes:
        steps: generator steps; training also ends after `minutes`, whichever comes first.
        minutes: of training in all, over resumed runs; the learning rate follows the further advanced of both.
        clock: what counts as time, `wall` or `process`: the latter is what the processors spend on this process, so that
            trainings on a machine that does other work too get equal shares. Reports and scores count, too.
        batch: B. anchor_batch: B of the steps without decoding, see Schedule.anchor.
        segment: L in samples. backgrounds: M, how many are drawn for each item.
        lr, discriminator_lr: peak learning rates of AdamW; rise over `rise` steps, cosine to 1 % of the peak.
        clip: gradient norm.
        speeds: segments are drawn at a random speed of this range, which changes pitch and voice.
        precision: fp32 or bf16 (autocast).
        every: steps between reports, checkpoints and dev scores, which are also made at the end.
    """

    steps: int = 100_000
    minutes: float = 60.0
    clock: str = "wall"
    batch: int = 16
    anchor_batch: int = 32
    segment: int = 16000
    backgrounds: int = 3
    lr: float = 1e-3
    discriminator_lr: float = 5e-4
    rise: int = 200
    clip: float = 1.0
    speeds: tuple[float, float] = (0.88, 1.14)
    precision: str = "fp32"
    every: int = 200
    seed: int = 0

    def __post_init__(self):
        """Raises ValueError for a clock that there is not."""
        if self.clock not in CLOCKS:
            raise ValueError(f"Unknown clock {self.clock!r}; there are {' and '.join(CLOCKS)}.")


class Trainer:
    """Draws batches from banks, steps generator and discriminator, keeps checkpoints in `folder`."""

    def __init__(self, objective: Objective, mixing: Mixing, options: Options, folder: Path, device: str = "cpu"):
        self.objective, self.mixing, self.options, self.folder = objective.to(device), mixing, options, Path(folder)
        self.device = torch.device(device)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ranks, self.rank = (dist.get_world_size(), dist.get_rank()) if dist.is_initialized() else (1, 0)
        self.generator = torch.Generator(self.device).manual_seed(options.seed * 1000 + self.rank)
        if self.ranks > 1:
            torch.manual_seed(options.seed * 1000 + self.rank)
        fused = self.device.type == "cuda"
        self.optimizers = [
            torch.optim.AdamW(part.parameters(), lr, betas=(first, 0.99), weight_decay=1e-3, fused=fused)
            for part, lr, first in (
                (objective.generator, options.lr, 0.9),
                (objective.discriminator, options.discriminator_lr, 0.8),
            )
        ]
        self.seconds = 0.0
        if (self.folder / "checkpoint.pt").exists():
            self._resume()

    def train(
        self, speech: MemorySegmentSampler, background: MemorySegmentSampler, dev: dict[str, Batch] | None = None
    ) -> None:
        """Run until `steps` or `minutes` are used up; then save the codec to folder/model."""
        options, objective, ticks = self.options, self.objective, CLOCKS[self.options.clock]
        sums: dict[str, Tensor] = {}
        clock, reported, since = ticks(), objective.step, time.monotonic()
        while not self.done:
            objective.train()
            terms = self.step(self.draw(speech, background))
            sums = {name: sums.get(name, 0.0) + value for name, value in terms.items()}
            now, step = ticks(), objective.step
            self.seconds, clock = self._agreed(self.seconds + now - clock), now
            if step % options.every == 0 or self.done:
                means = {name: float(value) / (step - reported) for name, value in sums.items()}
                self.save()
                if self.rank == 0:
                    self._report(step, means, (step - reported) / (time.monotonic() - since))
                    self._score(step, dev or {})
                sums, reported, since = {}, step, time.monotonic()
        self.save()
        objective.eval()
        if self.rank == 0:
            objective.codec.save_pretrained(self.folder / "model", half=True)

    @property
    def done(self) -> bool:
        """Whether steps or minutes are used up."""
        return self.objective.step >= self.options.steps or self.seconds >= self.options.minutes * 60

    def draw(self, speech: MemorySegmentSampler, background: MemorySegmentSampler) -> Batch:
        """A new batch of stems."""
        options = self.options
        early = self.objective.step < self.objective.schedule.anchor
        batch = options.anchor_batch if early else options.batch
        low, high = options.speeds
        speed = random.Random(f"{options.seed} {self.objective.step}").uniform(low, high)
        length = int(options.segment * speed) // 64 * 64
        voices = change_speed(speech.draw(batch, length, self.generator), options.segment)
        sounds = background.draw(batch * options.backgrounds, options.segment, self.generator)
        return self.mixing(voices, sounds.view(batch, options.backgrounds, -1), self.generator)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the generator, and one of the discriminator where it takes part."""
        options, objective = self.options, self.objective
        rate = self._rate()
        for optimizer, peak in zip(self.optimizers, (options.lr, options.discriminator_lr)):
            optimizer.param_groups[0]["lr"] = peak * rate
        report = {}
        for optimizer, loss_of, part in zip(
            self.optimizers,
            (objective.generator_loss, objective.discriminator_loss),
            (objective.generator, objective.discriminator),
        ):
            with self._autocast():
                loss, terms = loss_of(batch)
            report |= terms
            if part is objective.discriminator and not objective.adversarial:
                continue
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._average_gradients(part)
            report["norm_" + ("generator" if part is objective.generator else "discriminator")] = (
                torch.nn.utils.clip_grad_norm_(part.parameters(), options.clip).detach()
            )
            optimizer.step()
        return report

    def save(self) -> None:
        """Write folder/checkpoint.pt, from which as many new Trainers go on."""
        states = [(self.generator.get_state().cpu(), torch.get_rng_state())]
        if self.ranks > 1:
            states = [None] * self.ranks
            dist.all_gather_object(states, (self.generator.get_state().cpu(), torch.get_rng_state()))
        if self.rank:
            return
        state = {
            "objective": self.objective.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "seconds": self.seconds,
            "random": states,
        }
        if self.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state()
        torch.save(state, self.folder / "checkpoint.tmp")
        (self.folder / "checkpoint.tmp").replace(self.folder / "checkpoint.pt")

    def _resume(self) -> None:
        state = torch.load(self.folder / "checkpoint.pt", map_location="cpu", weights_only=True)
        self.objective.load_state_dict(state["objective"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        self.seconds = state["seconds"]
        if len(state["random"]) != self.ranks:
            raise ValueError(f"{self.folder} was trained by {len(state['random'])} processes, not by {self.ranks}.")
        generator, default = state["random"][self.rank]
        self.generator.set_state(generator)
        torch.set_rng_state(default)
        if "cuda" in state and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"])
        log.info("Resumed after step %d, %.1f minutes.", self.objective.step, self.seconds / 60)

    def _average_gradients(self, part: torch.nn.Module) -> None:
        """The mean over all processes in place of each one's own. All take the same branches, so that the same have none."""
        if self.ranks == 1:
            return
        parameters = [p for p in part.parameters() if p.grad is not None]
        flat = torch.cat([p.grad.flatten() for p in parameters])
        dist.all_reduce(flat)
        for p, gradient in zip(parameters, (flat / self.ranks).split([p.numel() for p in parameters])):
            p.grad = gradient.view_as(p)

    def _agreed(self, seconds: float) -> float:
        """The clock of the first process, so that all stop at the same step."""
        if self.ranks == 1:
            return seconds
        shared = torch.tensor([seconds], dtype=torch.float64, device=self.device)
        dist.broadcast(shared, 0)
        return float(shared)

    def _progress(self) -> float:
        """Share of the training that is done, 0..1."""
        return min(1.0, max(self.objective.step / self.options.steps, self.seconds / (self.options.minutes * 60)))

    def _rate(self) -> float:
        """Learning rate relative to its peak."""
        rise = min(1.0, (self.objective.step + 1) / self.options.rise)
        return rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self._progress())))

    def _autocast(self):
        if self.options.precision == "bf16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    def _report(self, step: int, means: dict[str, float], speed: float) -> None:
        left = self.seconds * (1 / max(self._progress(), 1e-6) - 1)
        shown = " ".join(f"{name} {value:.3f}" for name, value in means.items() if not name.startswith("perplexity"))
        log.info(
            "step %d, %.2f steps/s, %.1f min done, %.1f left: %s", step, speed, self.seconds / 60, left / 60, shown
        )
        with open(self.folder / "log.jsonl", "a") as file:
            file.write(json.dumps({"step": step, "seconds": self.seconds, **means}) + "\n")

    def _score(self, step: int, dev: dict[str, Batch]) -> None:
        self.objective.eval()
        for name, batch in dev.items():
            scores = validation_scores(self.objective.codec, batch.speech, batch.background)
            shown = " ".join(f"{key} {scores[key]:.2f}" for key in SHOWN)
            log.info("step %d, dev %s: %s", step, name, shown)
            with open(self.folder / "dev.jsonl", "a") as file:
                file.write(json.dumps({"step": step, "seconds": self.seconds, "condition": name, **scores}) + "\n")


def dev_batches(
    speech: MemorySegmentSampler, background: MemorySegmentSampler, snrs: tuple[float, ...], count: int, length: int
) -> dict[str, Batch]:
    """Fixed mixtures of held-out recordings at given SNRs in dB, the same at every call."""
    batches = {}
    for snr in snrs:
        generator = torch.Generator(speech.samples.device).manual_seed(1)
        mixing = Mixing(
            snr=(snr, snr), level=(-26.0, -26.0), clean_prob=0, background_only_prob=0, extra_background_prob=0, noise_prob=0, babble_prob=0,
            equalize_prob=0, reverb_prob=0, lowpass_prob=0, clip_prob=0,
        )  # fmt: skip
        voices = speech.draw(count, length, generator)
        batches[f"{snr:g} dB"] = mixing(voices, background.draw(count, length, generator)[:, None], generator)
    return batches


def read_banks(
    data: str | Path, device: str = "cpu"
) -> tuple[MemorySegmentSampler, MemorySegmentSampler, dict[str, Batch]]:
    """Speech and backgrounds to train on, and mixtures of held-out ones at 0 and 10 dB.

    Args:
        data: folder with speech_train, background_train, speech_dev and background_dev.

    Raises:
        FileNotFoundError, ValueError: as for `MemorySegmentSampler.from_directory`.
    """
    folders = ("speech_train", "background_train", "speech_dev", "background_dev")
    banks = [
        MemorySegmentSampler.from_directory(Path(data) / name, threads=os.cpu_count() or 1).to(device)
        for name in folders
    ]
    return *banks[:2], dev_batches(*banks[2:], (0.0, 10.0), 24, 32000)
