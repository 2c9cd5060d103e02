"""Settings of a training of the speech stream, one YAML file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass
class Settings:
    """Settings of a training.

    Attributes:
        codec: arguments of `TokenCodecConfig`.
        content: safetensors file of the trained content encoder.
        batch: items per step.
        separated: number of them whose input is separated from a mixture.
        segment: samples of each item.
        warmup: steps until the codebooks are initialized by k-means.
        adversarial: step from which the discriminators take part; None for never.
        discriminators_per_step: number of discriminators in a step, drawn at random.
        weights: of the named losses.
        losses: arguments of `SpeechLosses`.
        discriminators: arguments of `Discriminators`.
        lr, lr_discriminator: learning rates.
        warmup_lr: steps of the linear rise of `lr`.
        clip: largest norm of the gradients.
        ema_decay: of the averaged weights, which are updated every fourth step.
        level_probs: number of levels -> probability; 0 stands for a random number, K + 1 for no quantization.
    """

    codec: dict[str, Any] = field(default_factory=dict)
    content: str = ""
    batch: int = 8
    separated: int = 3
    segment: int = 20480
    warmup: int = 300
    adversarial: int | None = None
    discriminators_per_step: int = 4
    weights: dict[str, float] = field(default_factory=dict)
    losses: dict[str, Any] = field(default_factory=dict)
    discriminators: dict[str, Any] = field(default_factory=dict)
    lr: float = 1e-3
    lr_discriminator: float = 5e-4
    warmup_lr: int = 60
    clip: float = 1.0
    ema_decay: float = 0.996
    level_probs: dict[int, float] = field(default_factory=lambda: {10: 0.4, 6: 0.15, 3: 0.2, 1: 0.03, 0: 0.12, 11: 0.1})

    @classmethod
    def read(cls, path: str | Path) -> "Settings":
        """Read a YAML file."""
        return cls(**yaml.safe_load(Path(path).read_text(encoding="utf-8")))
