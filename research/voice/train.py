"""Train the voice model: `python -m research.voice.train --bank FEATURES --out OUT`.

It resumes from the checkpoint in OUT if there is one. Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from espnet2_decodec.voice.voice_model import VoiceModel
from research import training
from research.tokens.batches import SPEECH_WEIGHTS
from research.training import BaseTrainer, TrainingSettings
from research.voice.feature_bank import FeatureBank, VoiceBatch


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of a training of the voice model.

    Attributes:
        codec: whose level 1 is the input.
        model: arguments of `VoiceModel`.
        batch: items of a step.
        frames: of an item.
        prompt_frames: smallest and largest length of a prompt.
        perturbed: probability of semantic features of a perturbed recording.
        quantized: probability of quantized semantic features.
        pitch: probability that the pitch is given.
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
    warmup_steps: int = 200
    minutes: float = 80.0
    decay_minutes: float = 25.0


class Trainer(BaseTrainer):
    """Flow and regression of the voice model.

    Args:
        settings: of the training.
        bank: of features.
    """

    module_name = "model"
    ema_interval = 4

    settings: Settings

    def __init__(self, settings: Settings, bank: FeatureBank):
        super().__init__(settings)
        self.bank, self.generator = bank, torch.Generator().manual_seed(settings.seed)
        quantizer = DeCodec.from_pretrained(settings.codec).speech_quantizer
        if not isinstance(quantizer, SemanticRVQ):
            raise ValueError(f"{settings.codec} has no semantic level.")
        self.semantic = quantizer.semantic.eval().requires_grad_(False)
        self.model = VoiceModel(**{"codec": settings.codec, **settings.model})
        frames = torch.cat([self.draw().target.flatten(0, 1) for _ in range(30)])
        self.model.mean.copy_(frames.mean(0))
        self.model.std.copy_(frames.std(0))
        self.prepare([{"params": list(self.model.parameters()), "base": settings.lr}], weight_decay=1e-2)

    def draw(self) -> VoiceBatch:
        """The next batch."""
        s = self.settings
        return self.bank.draw_voices(s.batch, s.frames, tuple(s.prompt_frames), s.perturbed, self.random)

    def train_step(self, batch: VoiceBatch) -> dict[str, float]:
        """One step; returns the named losses."""
        model, count = self.model, len(batch.content)
        quantized = self._drawn(count, self.settings.quantized)
        content = torch.where(quantized, self.quantize(batch.content), batch.content)
        prompt = torch.cat([model.normalize(batch.prompt), batch.prompt_content], dim=-1)
        pitch = batch.pitch * self._drawn(count, self.settings.pitch)
        condition = model.condition(content, pitch, model.encode_prompt(prompt, batch.prompt_mask))
        terms = model.losses(model.normalize(batch.target), condition, self.generator)
        self.update(terms["flow"] + terms["regression"])
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
        return super().state() | {"generator": self.generator.get_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        super().load_state(state)
        self.generator.set_state(state["generator"])


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("train.yaml"))
    parser.add_argument("--codec", help="folder or name of the codec, in place of that of the settings")
    parser.add_argument("--start", help="folder or name of a voice model whose weights the training starts from")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings.read(args.config)
    settings.codec = args.codec or settings.codec
    trainer = Trainer(settings, FeatureBank(args.bank, "speech_train", SPEECH_WEIGHTS))
    if not training.resume(trainer, args.out) and args.start:
        trainer.start_from(VoiceModel.from_pretrained(args.start))
    return training.run(trainer, trainer.draw, args, save_models=True)


if __name__ == "__main__":
    sys.exit(main())
