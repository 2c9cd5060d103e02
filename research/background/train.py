"""Train the background stream: `python -m research.background.train --bank FEATURES --start MODEL --out OUT`.

FEATURES are those of `research.background.prepare`. The codebooks of the parametric levels are adapted, then the
decoder is trained. Nothing else of the codec changes. It resumes from the checkpoint in OUT if there is one. Minutes
are CPU minutes of the process, of all sessions together.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.split_quantizer import SplitRVQ
from research import training
from research.background.codebooks import adapt_codebooks, train_overlapping
from research.background.losses import StatisticsLoss
from research.background.prepare import FRAMES, feature_bank
from research.feature_files import FrameBank
from research.tokens.ema import EMA
from research.tokens.losses import SpeechLosses
from research.tokens.overlapping_codebooks import with_overlapping_codes
from research.training import CodecState, TrainingSettings, draw_levels, phase_with_random_noise

WEIGHTS = {"complex": 0.5, "magnitude": 1.0, "mel": 6.0, "deviation": 0.5, "level": 1.0}


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of a training of the background stream.

    Attributes:
        batch: items of a step.
        frames: of an item.
        parametric_frames: frames that a code of the parametric levels spans; 0 for those of the codec to start from.
        codebook_steps: of `train_overlapping`, for codes of several frames.
        codebook_frames, codebook_iterations: of `adapt_codebooks`, for codes of single frames.
        weights: of the named losses.
        level_probs: number of levels -> probability; K + 1 stands for no quantization.
    """

    batch: int = 8
    frames: int = 64
    parametric_frames: int = 0
    codebook_steps: int = 900
    codebook_frames: int = 512000
    codebook_iterations: int = 6
    weights: dict[str, float] = field(default_factory=dict)
    level_probs: dict[int, float] = field(
        default_factory=lambda: {1: 0.22, 2: 0.08, 3: 0.32, 4: 0.08, 5: 0.08, 6: 0.17, 7: 0.05}
    )
    lr: float = 5e-4
    warmup_steps: int = 50
    minutes: float = 15.0
    decay_minutes: float = 8.0


class Trainer(CodecState):
    """Decoder of the background, with all else frozen.

    Args:
        settings: of the training.
        model: name or folder of the codec to start from.

    Raises:
        ValueError: if the codec has no semantic level, and so no decoder for the background alone.
    """

    settings: Settings
    ema_interval = 4

    def __init__(self, settings: Settings, model: str | Path):
        super().__init__(settings)
        self.weights = WEIGHTS | settings.weights
        codec = DeCodec.from_pretrained(model)
        if settings.parametric_frames:
            codec = with_overlapping_codes(codec, settings.parametric_frames, "background")
        self.codec = codec.requires_grad_(False)
        backbone = self.codec.backbone
        if not isinstance(backbone, SemanticMDCTBackbone):
            raise ValueError(f"{model} is not a codec with a semantic level.")
        quantizer = self.codec.background_quantizer
        assert isinstance(quantizer, SplitRVQ)
        self.backbone, self.quantizer = backbone, quantizer
        weights = list(backbone.background_decoder.requires_grad_().parameters())
        self.prepare([{"params": weights, "base": settings.lr}], weight_decay=1e-3)
        self.losses, self.statistics = SpeechLosses(), StatisticsLoss()

    def initialize(self, bank: FrameBank) -> None:
        """Adapt the codebooks to the frames of a bank, or train those of overlapping codes."""
        latents, settings = bank.values["latent"], self.settings
        if self.quantizer.scale is not None:
            pieces = torch.from_numpy(latents.reshape(-1, FRAMES, latents.shape[1]).astype(np.float32))
            train_overlapping(self.quantizer, pieces, settings.codebook_steps, self.random)
        else:
            chosen = self.random.permutation(len(latents))[: settings.codebook_frames]
            frames = torch.from_numpy(latents[np.sort(chosen)].astype(np.float32))
            adapt_codebooks(self.quantizer, frames, settings.codebook_iterations)
        self.ema = EMA(self.codec, settings.ema_decay)

    def draw(self, bank: FrameBank) -> tuple[Tensor, Tensor]:
        """Latents [B, D, T] and backgrounds [B, T * hop]."""
        settings, latents, wavs = self.settings, [], []
        for _ in range(settings.batch):
            segments = bank.draw_segments(bank.draw_key(self.random), settings.frames, self.random)
            latents.append(bank.read("latent", segments).T)
            wavs.append(bank.read("wav", segments).flatten())
        return torch.stack(latents), torch.stack(wavs)

    def train_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, float]:
        """One step; returns the named losses."""
        latent, target = batch
        levels = torch.from_numpy(draw_levels(self.settings.level_probs, len(latent), self.random))
        quantized = self.quantizer(latent, levels).x
        wav = self._decode(quantized)
        rms = target.square().mean(1, keepdim=True).sqrt().clamp(min=1e-3)
        has_waveform = (levels > self.quantizer.parametric_levels).float()
        terms = self.losses(wav / rms, target / rms, has_waveform, int(self.random.integers(100)))
        terms |= self.statistics(wav / rms, target / rms)
        loss = sum(self.weights[name] * value for name, value in terms.items())
        assert isinstance(loss, Tensor)
        self.update(loss)
        return {name: float(value.detach()) for name, value in terms.items()}

    def _decode(self, background: Tensor) -> Tensor:
        """Latents [B, D, T] -> wav [B, T * hop], with noise of any frame."""
        empty = background.new_zeros(len(background), self.codec.subspace.dims[0], background.shape[2])
        latent = self.codec.subspace.merge(empty, background)
        return self.backbone.decode_background(
            latent, None, phase_with_random_noise(self.backbone, latent, self.random)
        )


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("train.yaml"))
    parser.add_argument("--start", default="decodec-16k-semantic", help="name or folder of a codec")
    parser.add_argument("--keep", action="store_true", help="go on with the codebooks of the codec")
    args = parser.parse_args()
    torch.set_num_threads(1)
    trainer = Trainer(Settings.read(args.config), args.start)
    bank = feature_bank(args.bank, trainer.codec)
    if not training.resume(trainer, args.out) and not args.keep:
        trainer.initialize(bank)
    return training.run(trainer, lambda: trainer.draw(bank), args)


if __name__ == "__main__":
    sys.exit(main())
