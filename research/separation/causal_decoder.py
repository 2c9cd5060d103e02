"""Train the decoder of a causal codec: `python -m research.separation.causal_decoder --start MODEL --out OUT`.

It follows the decoder of a codec with look-ahead and the same coordinates, on the tokens of the causal encoder; all
else is frozen. It resumes from the checkpoint in OUT if there is one. Minutes are CPU minutes of the process.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training.schedule import Schedule
from research import training
from research.separation.mixtures import MixtureSampler
from research.training import CodecState, TrainingSettings


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of a training of the decoder.

    Attributes:
        batch: items per step.
        segment: samples of each item.
        speech_alone, background_alone: probabilities that one stream is decoded without the other.
        weight: of the error of the network's outputs, beside that of the MDCT coefficients.
    """

    batch: int = 8
    segment: int = 40960
    minutes: float = 25.0
    decay_minutes: float = 15.0
    speech_alone: float = 0.4
    background_alone: float = 0.2
    weight: float = 0.2


class Trainer(CodecState):
    """The decoder of a causal codec.

    Args:
        settings: of the training.
        model: name or folder of the causal codec.
        teacher: name or folder of the codec with look-ahead.
    """

    has_torch_random = True
    """The numbers of levels are drawn by PyTorch."""

    settings: Settings

    def __init__(self, settings: Settings, model: str, teacher: str = "decodec-16k"):
        super().__init__(settings)
        self.schedule = Schedule(no_quantization_prob=0.1)
        self.codec = DeCodec.from_pretrained(model).requires_grad_(False)
        backbone, teacher_backbone = self.codec.backbone, DeCodec.from_pretrained(teacher).backbone
        assert isinstance(backbone, MDCTBackbone)
        assert isinstance(teacher_backbone, MDCTBackbone)
        self.backbone, self.teacher = backbone, teacher_backbone.decoder.requires_grad_(False)
        self.prepare([{"params": list(backbone.decoder.requires_grad_().parameters()), "base": settings.lr}], 1e-3)

    def train_step(self, batch: Batch) -> dict[str, float]:
        """One step; returns the named losses."""
        latent = self._latent(batch)
        outputs, target_outputs, decoded, target = self._decode(latent)
        power = target.square().sum(-1)
        error = (decoded - target).square().sum(-1) / (power + 1e-2 * power.mean(1, keepdim=True) + 1e-6)
        difference = (outputs - target_outputs).abs().mean()
        norm = self.update(error.clamp(max=10).mean() + self.settings.weight * difference)
        return {"error": float(error.detach().mean()), "outputs": float(difference.detach()), "norm": norm}

    def _decode(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Outputs of the decoder and of the teacher's, and MDCT coefficients of both [B, T, hop]."""
        backbone, pitch = self.backbone, self.backbone._f0(latent)
        excitation = backbone.excitation(*pitch, backbone.excitation.advance_phase(*pitch, None)[0], None)
        latent = latent.transpose(1, 2).contiguous()
        coded = backbone._coded_bands(latent)
        inputs = backbone._decoder_input(latent, coded)
        outputs = [network(inputs, None).float() for network in (backbone.decoder, self.teacher)]
        decoded, target = (backbone._mdct_frames(latent, coded, output, *excitation) for output in outputs)
        return (*outputs, decoded, target)

    @torch.no_grad()
    def _latent(self, batch: Batch) -> Tensor:
        """Quantized latents of the mixtures [B, D, T], of both streams or of one, with random numbers of levels."""
        codec, size = self.codec, len(batch.mixture)
        quantizers = codec.speech_quantizer, codec.background_quantizer
        levels = [self.schedule.draw_levels(size, quantizer, batch.mixture.device) for quantizer in quantizers]
        latents = codec(batch.mixture, *levels)
        draw = torch.from_numpy(self.random.random(size)).float()[:, None, None]
        alone = self.settings.speech_alone
        with_background = (draw >= alone).float()
        with_speech = ((draw < alone) | (draw >= alone + self.settings.background_alone)).float()
        streams = latents.quantized_speech.x * with_speech, latents.quantized_background.x * with_background
        return codec.subspace.merge(*streams)


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("causal_decoder.yaml"))
    parser.add_argument("--start", required=True, help="name or folder of the causal codec")
    parser.add_argument("--teacher", default="decodec-16k", help="name or folder of the codec with look-ahead")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings.read(args.config)
    trainer, sampler = Trainer(settings, args.start, args.teacher), MixtureSampler(args.bank)
    training.resume(trainer, args.out)
    size = settings.batch, settings.segment
    return training.run(trainer, lambda: sampler.draw(*size, trainer.random), args, save_models=True)


if __name__ == "__main__":
    sys.exit(main())
