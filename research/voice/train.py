"""Train the voice model: `python -m research.voice.train --bank FEATURES --out OUT`.

It resumes from the checkpoint in OUT if there is one. Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.voice.voice_model import VoiceModel
from research import training
from research.tokens.batches import SPEECH_WEIGHTS
from research.tokens.ema import EMA
from research.training import set_learning_rates, step_optimizer
from research.voice.feature_bank import FeatureBank, VoiceBatch


@dataclass
class Settings:
    """Settings of a training.

    Attributes:
        codec: whose level 1 is the input.
        model: arguments of `VoiceModel`.
        batch: items of a step.
        frames: of an item.
        prompt_frames: smallest and largest length of a prompt.
        perturbed: probability of semantic features of a perturbed recording.
        quantized: probability of quantized semantic features.
        pitch: probability that the pitch is given.
        lr: learning rate.
        warmup_lr: steps of its linear rise.
        minutes, decay_minutes: CPU minutes of the training, and of the linear fall of the learning rate at its end.
        clip: largest norm of the gradients.
        ema_decay: of the averaged weights, which are updated every fourth step.
        seed: of the weights and of everything that is drawn.
    """

    codec: str = "decodec-16k-semantic"
    model: dict[str, Any] = field(default_factory=dict)
    batch: int = 16
    frames: int = 128
    prompt_frames: tuple[int, int] = (100, 250)
    perturbed: float = 0.5
    quantized: float = 0.6
    pitch: float = 0.5
    lr: float = 1.2e-3
    warmup_lr: int = 200
    minutes: float = 80.0
    decay_minutes: float = 25.0
    clip: float = 1.0
    ema_decay: float = 0.998
    seed: int = 0


class Trainer:
    """Flow and regression of the voice model.

    Args:
        settings: of the training.
        bank: of features.
    """

    def __init__(self, settings: Settings, bank: FeatureBank):
        torch.manual_seed(settings.seed)
        self.settings, self.bank, self.step, self.minutes = settings, bank, 0, 0.0
        self.random = np.random.default_rng(settings.seed)
        self.generator = torch.Generator().manual_seed(settings.seed)
        quantizer = DeCodec.from_pretrained(settings.codec).speech_quantizer
        if not isinstance(quantizer, SemanticRVQ):
            raise ValueError(f"{settings.codec} has no semantic level.")
        self.semantic = quantizer.semantic.eval().requires_grad_(False)
        self.model = VoiceModel(**{"codec": settings.codec, **settings.model})
        frames = torch.cat([self.draw().target.flatten(0, 1) for _ in range(30)])
        self.model.mean.copy_(frames.mean(0))
        self.model.std.copy_(frames.std(0))
        self.optimizer = torch.optim.AdamW(
            [{"params": list(self.model.parameters()), "base": settings.lr}], settings.lr, (0.9, 0.98),
            weight_decay=1e-2, fused=True,
        )  # fmt: skip
        self.ema = EMA(self.model, settings.ema_decay)

    def draw(self) -> VoiceBatch:
        """The next batch."""
        s = self.settings
        return self.bank.draw_voices(s.batch, s.frames, tuple(s.prompt_frames), s.perturbed, self.random)

    def train_step(self, batch: VoiceBatch) -> dict[str, float]:
        """One step; returns the named losses."""
        set_learning_rates(self, self.optimizer, self.settings.warmup_lr)
        model, count = self.model, len(batch.content)
        quantized = self._drawn(count, self.settings.quantized)
        content = torch.where(quantized, self.quantize(batch.content), batch.content)
        prompt = torch.cat([model.normalize(batch.prompt), batch.prompt_content], dim=-1)
        pitch = batch.pitch * self._drawn(count, self.settings.pitch)
        condition = model.condition(content, pitch, prompt, batch.prompt_mask)
        terms = model.losses(model.normalize(batch.target), condition, self.generator)
        step_optimizer(
            self.optimizer, terms["flow"] + terms["regression"], list(model.parameters()), self.settings.clip, self.step
        )
        self.step += 1
        if self.step % 4 == 0:
            self.ema.update(model)
        return {name: float(value.detach()) for name, value in terms.items()}

    @torch.no_grad()
    def quantize(self, content: Tensor) -> Tensor:
        """Semantic features [B, T, S] -> embeddings of their tokens [B, T, S]."""
        return self.semantic.decode(self.semantic.encode(content.transpose(1, 2))).transpose(1, 2)

    def _drawn(self, count: int, probability: float) -> Tensor:
        """[count, 1, 1] bool."""
        return torch.from_numpy(self.random.random((count, 1, 1)) < probability)

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""
        return {
            "step": self.step, "minutes": self.minutes, "random": self.random.bit_generator.state,
            "generator": self.generator.get_state(), "model": self.model.state_dict(),
            "average": self.ema.module.state_dict(), "updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        self.step, self.minutes, self.ema.updates = state["step"], state["minutes"], state["updates"]
        self.random.bit_generator.state = state["random"]
        self.generator.set_state(state["generator"])
        self.model.load_state_dict(state["model"])
        self.ema.module.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("train.yaml"))
    parser.add_argument("--codec", help="folder or name of the codec, in place of that of the settings")
    parser.add_argument("--start", help="folder or name of a voice model whose weights the training starts from")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings(**yaml.safe_load(args.config.read_text(encoding="utf-8")) or {})
    settings.codec = args.codec or settings.codec
    trainer = Trainer(settings, FeatureBank(args.bank, "speech_train", SPEECH_WEIGHTS))
    if not training.resume(trainer, args.out) and args.start:
        trainer.model.load_state_dict(VoiceModel.from_pretrained(args.start).state_dict())
        trainer.ema = EMA(trainer.model, settings.ema_decay)
    return training.run(trainer, trainer.draw, args, save_models=True)


if __name__ == "__main__":
    sys.exit(main())
