"""Train the enhancement of decoded envelopes: `python -m research.tokens.train_enhancer --bank BANK --out OUT`.

Everything else of the codec is frozen. The target is the envelope of the clean speech. It resumes from the
checkpoint in OUT if there is one. Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixing import Batch
from research import training
from research.extension import extend_codec
from research.separation.mixtures import MixtureSampler
from research.training import CodecState, TrainingSettings

FLOOR_DB = 45.0
"""Mel magnitudes this far below the level of the speech count as silence."""


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of a training of the enhancement.

    Attributes:
        backbone: options of the backbone that differ from those of the codec to start from.
        batch: items per step.
        segment: samples of each item.
        snr: range of the mixtures in dB.
        clean: share of the items without a background.
        levels: numbers of levels of the speech stream, each with its probability; 11 stands for no quantization.
    """

    backbone: dict[str, Any] = field(default_factory=lambda: {"enhancer_channels": 160, "enhancer_blocks": 4})
    batch: int = 8
    segment: int = 40960
    snr: list[float] = field(default_factory=lambda: [-3.0, 25.0])
    clean: float = 0.4
    levels: dict[int, float] = field(
        default_factory=lambda: {1: 0.08, 2: 0.07, 3: 0.15, 6: 0.2, 8: 0.1, 10: 0.35, 11: 0.05}
    )
    lr: float = 2.5e-3
    minutes: float = 34.0
    decay_minutes: float = 20.0


class Trainer(CodecState):
    """The enhancement of a codec's parameters.

    Args:
        settings: of the training.
        model: name or folder of the codec to start from.

    Raises:
        ValueError: if the codec has no semantic level, or the settings no enhancement.
    """

    settings: Settings

    def __init__(self, settings: Settings, model: str):
        super().__init__(settings)
        self.codec = extend_codec(DeCodec.from_pretrained(model), settings.backbone).requires_grad_(False)
        backbone = self.codec.backbone
        if not isinstance(backbone, SemanticMDCTBackbone) or backbone.enhancer is None:
            raise ValueError(f"{model} has no semantic level, or the settings no enhancer_channels.")
        self.backbone, self.enhancer = backbone, backbone.enhancer
        weights = list(self.enhancer.requires_grad_().parameters())
        self.prepare([{"params": weights, "base": settings.lr}], weight_decay=1e-3)

    def train_step(self, batch: Batch) -> dict[str, float]:
        """One step; returns the named losses."""
        with torch.no_grad():
            inputs, target = self.inputs(batch), self.envelope(batch.speech)
        error = envelope_error(self.backbone, self.enhancer(*inputs), target)
        norm = self.update(error)
        with torch.no_grad():
            before = envelope_error(self.backbone, inputs[0][..., : self.backbone.semantic_dim], target)
        return {"error": float(error.detach()), "before": float(before), "norm": norm}

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """First arguments of the enhancement after quantization, each item with a number of levels of its own."""
        backbone, quantizer = self.backbone, self.codec.speech_quantizer
        speech, _ = self.codec.subspace.split(self.codec.latent(batch.mixture))
        codes = quantizer.encode(speech)
        counts = training.draw_levels(self.settings.levels, len(speech), self.random)
        decoded = torch.cat([
            quantizer.decode(codes[i : i + 1, :count]) if count <= quantizer.levels else speech[i : i + 1]
            for i, count in enumerate(counts)
        ])  # fmt: skip
        semantic, coordinates = decoded.split([backbone.content_dim, backbone.stem_dim], 1)
        coordinates = torch.cat([coordinates, torch.zeros_like(coordinates)], 1)
        return backbone.enhancer_inputs(coordinates.transpose(1, 2), semantic.transpose(1, 2))

    def envelope(self, speech: Tensor) -> Tensor:
        """Clean speech [B, L] -> coordinates of its mel envelope [B, T, E]."""
        return self.backbone.target_latent(speech)[:, : self.backbone.semantic_dim].transpose(1, 2)


def envelope_error(backbone: SemanticMDCTBackbone, estimate: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference in nepers between envelopes [B, T, E], above a floor relative to the target's level."""
    wanted = backbone._mel_magnitudes(target)
    power = wanted.square().mean((1, 2), keepdim=True)
    floor = 10 ** (-FLOOR_DB / 20) * power.sqrt() + backbone.mel_floor
    return (torch.log(backbone._mel_magnitudes(estimate) + floor) - torch.log(wanted + floor)).abs().mean()


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("enhancer.yaml"))
    parser.add_argument("--start", default="decodec-16k-semantic", help="name or folder of a codec")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings.read(args.config)
    trainer, sampler = Trainer(settings, args.start), MixtureSampler(args.bank, tuple(settings.snr))
    sampler.clean = settings.clean
    training.resume(trainer, args.out)
    size = settings.batch, settings.segment
    return training.run(trainer, lambda: sampler.draw(*size, trainer.random), args, save_models=True)


if __name__ == "__main__":
    sys.exit(main())
