"""Options of the plain training loop."""

import time
from dataclasses import dataclass

from espnet2_decodec.data.config import check_fields

PRECISIONS = ("fp32", "bf16")
LEAST_ONE = (
    "batch_size", "pretraining_batch_size", "accum_grad", "num_backgrounds", "warmup_steps", "eval_interval",
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
        batch_size: B of each process.
        accum_grad: batches of `batch_size` that make up the batch of a step (gradient accumulation).
        pretraining_batch_size: B of the steps without decoding, see `Schedule.pretraining_steps`.
        segment_length: L in samples.
        num_backgrounds: M, backgrounds drawn for each item.
        lr: peak learning rate of AdamW; linear warm-up over `warmup_steps`, then cosine decay to 1 %.
        discriminator_lr: peak learning rate of the discriminator.
        warmup_steps: of the learning rate.
        grad_clip: largest norm of the gradients.
        rir_prob: share of the speech segments that are reverberated, where room impulse responses are given.
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
    accum_grad: int = 1
    pretraining_batch_size: int = 32
    segment_length: int = 16000
    num_backgrounds: int = 3
    lr: float = 1e-3
    discriminator_lr: float = 5e-4
    warmup_steps: int = 200
    grad_clip: float = 1.0
    rir_prob: float = 0.3
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
        if not 0 <= self.rir_prob <= 1:
            raise ValueError(f"rir_prob is a probability within 0..1, not {self.rir_prob:g}.")
        if self.steps < 0 or self.speed_range[0] <= 0 or self.segment_length < MIN_SEGMENT:
            raise ValueError(
                f"steps must be at least 0, speed_range above 0, and segment_length at least {MIN_SEGMENT} samples, "
                f"not {self.steps}, {self.speed_range} and {self.segment_length}."
            )
