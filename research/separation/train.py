"""Train the separation: `python -m research.separation.train --start MODEL --bank BANK --out OUT`.

It resumes from the checkpoint in OUT if there is one. Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixing import Batch
from research import training
from research.audible import is_audible
from research.extension import extend_codec
from research.metric_discriminator import MetricTraining
from research.recognizer_distance import RecognizerDistance
from research.separation.losses import StemLosses
from research.separation.mixtures import MixtureSampler
from research.training import CodecState, TrainingSettings, autocast

WEIGHTS = {
    "snr": 1.0, "complex": 3.0, "magnitude": 4.0, "mel": 1.0, "envelope": 0.5, "content": 0.3, "recognizer": 0.0,
    "metric": 0.0,
}  # fmt: skip


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of a training of the separation.

    Attributes:
        backbone: options of the backbone that differ from those of the codec to start from.
        batch: items per step.
        segment: samples of each item.
        weights: of the losses, a difference from `WEIGHTS`; `recognizer` needs the package of Whisper tiny.en.
        missing: see `StemLosses`.
        lr: learning rate of the deep filter.
        lr_encoder: learning rate of the first stage.
        snr: range of the mixtures in dB.
        metric: arguments of `MetricTraining`.
        metric_start: steps of the metric discriminator alone, before the separation is trained by it.
    """

    backbone: dict[str, Any] = field(default_factory=dict)
    batch: int = 6
    segment: int = 40960
    weights: dict[str, float] = field(default_factory=dict)
    missing: float = 1.5
    lr: float = 1.5e-3
    lr_encoder: float = 3e-4
    minutes: float = 20.0
    decay_minutes: float = 6.0
    snr: list[float] = field(default_factory=lambda: [-8.0, 25.0])
    metric: dict[str, Any] = field(default_factory=dict)
    metric_start: int = 300


class Trainer(CodecState):
    """The separation of a codec; everything else is frozen.

    Args:
        settings: of the training.
        model: name or folder of the codec to start from.
        reference: name or folder of the codec whose semantic encoder compares separated with clean speech.
    """

    settings: Settings

    def __init__(self, settings: Settings, model: str, reference: str = "decodec-16k-semantic"):
        super().__init__(settings)
        self.weights, self.losses = WEIGHTS | settings.weights, StemLosses(missing=settings.missing)
        self.codec = extend_codec(DeCodec.from_pretrained(model), settings.backbone).requires_grad_(False)
        backbone = self.codec.backbone
        assert isinstance(backbone, MDCTBackbone)
        self.backbone = backbone
        self.semantic_encoder = DeCodec.from_pretrained(reference).backbone.semantic_encoder.requires_grad_(False)
        self.recognizer = RecognizerDistance.from_package() if self.weights["recognizer"] else None
        self.metric = MetricTraining(**settings.metric) if self.weights["metric"] else None
        groups = [{"params": list(backbone.encoder.requires_grad_().parameters()), "base": settings.lr_encoder}]
        if backbone.deep_filter is not None:
            groups += [{"params": list(backbone.deep_filter.requires_grad_().parameters()), "base": settings.lr}]
        self.prepare(groups, weight_decay=1e-3)

    def train_step(self, batch: Batch) -> dict[str, float]:
        """One step; returns the named losses."""
        targets = torch.stack([batch.speech, batch.background], dim=1)
        backbone = self.backbone
        spectra, correction = backbone._separate(backbone._stft(batch.mixture), None)
        stems = backbone._stem_waveforms(spectra, None)
        terms = self.losses(stems, targets, self.step)
        terms["envelope"] = self._envelope_error(spectra, correction, targets)
        if self.step % 2 == 0:
            with autocast():
                terms["content"] = self._content_error(stems[:, 0], batch.speech)
        elif self.recognizer is not None:
            with autocast():
                terms["recognizer"] = self.recognizer(stems[:, 0], batch.speech)
        if self.metric is not None:
            terms |= self.metric.train_step(batch.speech, stems[:, 0], batch.mixture, self.random, self.step)
            if self.step < self.settings.metric_start and "metric" in terms:
                terms["metric"] = terms["metric"].detach()
        norm = self.update(sum(self.weights[name] * value for name, value in terms.items() if name in self.weights))
        return {name: float(value.detach()) for name, value in terms.items()} | {"norm": norm}

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""
        return super().state() | ({"metric": self.metric.state()} if self.metric is not None else {})

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        super().load_state(state)
        if self.metric is not None and "metric" in state:
            self.metric.load_state(state["metric"])

    def _envelope_error(self, spectra: Tensor, correction: Tensor, targets: Tensor) -> Tensor:
        """Mean absolute error of the envelopes [B, T, 2, E], relative to their mean."""
        backbone = self.backbone

        def envelope(values: Tensor) -> Tensor:
            magnitudes = (values.real.square() + values.imag.square() + 1e-12).sqrt()
            return torch.log1p(magnitudes @ backbone.stft_to_mel / backbone.mel_floor)

        wanted = envelope(backbone._stft(targets.flatten(0, 1))).unflatten(0, (-1, 2)).transpose(1, 2)
        return (envelope(spectra) + correction - wanted).abs().mean() / wanted.mean()

    def _content_error(self, wav: Tensor, clean: Tensor) -> Tensor:
        """Half the mean squared distance of semantic features, over items with speech."""
        audible = is_audible(clean)
        if not audible.any():
            return wav.new_zeros(())
        with torch.no_grad():
            target = self.semantic_encoder(clean[audible])
        return 0.5 * (self.semantic_encoder(wav[audible]) - target).square().mean()


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("train.yaml"))
    parser.add_argument("--start", default="decodec-16k", help="name or folder of a codec")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings.read(args.config)
    trainer, sampler = Trainer(settings, args.start), MixtureSampler(args.bank, tuple(settings.snr))
    training.resume(trainer, args.out)
    size = settings.batch, settings.segment
    return training.run(trainer, lambda: sampler.draw(*size, trainer.random), args, save_models=True)


if __name__ == "__main__":
    sys.exit(main())
