"""Settings of a training of the speech stream, one YAML file."""

from dataclasses import dataclass, field
from typing import Any

from research.training import TrainingSettings


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of a training.

    Attributes:
        batch: items per step.
        mixed: number of them that are mixtures.
        segment: samples of each item.
        adversarial: step from which the discriminators take part.
        discriminators_per_step: number of discriminators in a step, drawn at random.
        discriminators: arguments of `Discriminators`.
        weights: of the named losses; `recognizer` needs the package of Whisper tiny.en.
        metric: arguments of `MetricTraining`; the weight `metric` is that of its term.
        metric_start: steps of the metric discriminator alone, before the decoder is trained by it.
        lr_decoder, lr_discriminator: learning rates; `lr` is that of post-filter and predictor.
        train_codebooks: whether the codebooks of the waveform levels are trained; not after `optimize_codebooks`.
        level_probs: number of levels -> probability; 0 stands for a random number, K + 1 for no quantization.
    """

    batch: int = 8
    mixed: int = 3
    segment: int = 20480
    adversarial: int = 1900
    discriminators_per_step: int = 4
    discriminators: dict[str, list[int] | int] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    lr_decoder: float = 1e-4
    lr_discriminator: float = 3e-4
    metric: dict[str, Any] = field(default_factory=dict)
    metric_start: int = 400
    warmup_steps: int = 50
    minutes: float = 90.0
    train_codebooks: bool = True
    level_probs: dict[int, float] = field(
        default_factory=lambda: {10: 0.36, 6: 0.14, 3: 0.26, 1: 0.05, 0: 0.15, 11: 0.04}
    )
