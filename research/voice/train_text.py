"""Train text to the semantic level: `python -m research.voice.train_text --bank BANK --out OUT`.

BANK is the folder of `text_speech` and `text_recordings`. It resumes from the checkpoint in OUT if there is one.
Minutes are CPU minutes of the process, of all sessions together.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.padding import length_mask
from espnet2_decodec.voice.layers import sequence_mask
from espnet2_decodec.voice.text_g2p import SLOTS
from espnet2_decodec.voice.text_to_semantic import TextToSemantic
from research import training
from research.training import BaseTrainer, TrainingSettings
from research.voice.text_bank import Utterance, read_bank
from research.voice.text_batches import (
    UtteranceBatch,
    UtteranceSampler,
    WordBatch,
    WordSampler,
    collate,
    collate_words,
)
from research.voice.text_cmudict import lexicon

MIN_DURATION = 0.3
"""Frames; shorter durations count as this one."""
DEV_INTERVAL = 200
"""Every so many words of the lexicon, one is held out."""


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of a training of the text model.

    Attributes:
        model, g2p: options of the two networks.
        banks: names of the banks of utterances.
        dev_bank: name of the bank of held-out utterances.
        styles: name of a style -> its share of the batches; the first one is the default of the model.
        frames: largest number of frames in a batch.
        words: per batch, for the pronunciation of unknown words.
        weights: of the losses.
    """

    model: dict[str, Any] = field(default_factory=dict)
    g2p: dict[str, Any] = field(default_factory=dict)
    banks: list[str] = field(default_factory=lambda: ["synthetic", "recordings_train"])
    dev_bank: str = "synthetic_dev"
    styles: dict[str, float] = field(default_factory=lambda: {"synthetic": 0.8, "native": 0.1, "accented": 0.1})
    frames: int = 2400
    words: int = 96
    weights: dict[str, float] = field(
        default_factory=lambda: {"tokens": 1.0, "features": 3.0, "duration": 0.5, "g2p": 0.3}
    )
    lr: float = 2e-3
    warmup_steps: int = 200


class Trainer(BaseTrainer):
    """Training of a `TextToSemantic`.

    Args:
        settings: of the training.
        codec: name or folder of the codec whose semantic level is predicted.
        dev: held-out utterances.
    """

    module_name = "text"
    has_torch_random = True

    settings: Settings

    def __init__(self, settings: Settings, codec: str, dev: list[Utterance]):
        super().__init__(settings)
        self.dev, model = dev, DeCodec.from_pretrained(codec)
        quantizer = model.speech_quantizer.semantic
        codebook = quantizer.level_codebooks()[0]
        features = model.backbone.semantic_encoder(torch.zeros(1, model.hop * 50)).transpose(1, 2)
        self.text = TextToSemantic(
            "en", list(settings.styles), model.frame_rate, int(quantizer.encode(features)[0, 0].mode().values),
            {"codes": len(codebook), "feature_dim": codebook.shape[1], **settings.model}, settings.g2p, lexicon(),
        )  # fmt: skip
        self.text.codebook.copy_(codebook)
        weights = list(self.text.parameters())
        groups = [
            {"params": [p for p in weights if p.ndim > 1], "base": settings.lr, "weight_decay": 0.01},
            {"params": [p for p in weights if p.ndim <= 1], "base": settings.lr},
        ]
        self.prepare(groups, weight_decay=0.0)
        words = WordSampler(lexicon()).words
        self.dev_words = words[::DEV_INTERVAL]

    def train_step(self, batch: tuple[UtteranceBatch, WordBatch]) -> dict[str, float]:
        """One step; returns the named losses, and those of the held-out data every 500 steps."""
        self.text.train()
        terms = utterance_losses(self.text, batch[0]) | {"g2p": word_loss(self.text, batch[1])}
        loss = sum(weight * terms[name] for name, weight in self.settings.weights.items())
        assert isinstance(loss, Tensor)
        norm = self.update(loss)
        values = {name: float(value.detach()) for name, value in terms.items()} | {"norm": norm}
        return values | (self.evaluate() if self.step % 500 == 0 and self.dev else {})

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Losses of the averaged weights on the held-out data."""
        model = self.ema.module
        batches = [collate(self.dev[i : i + 16], model.styles) for i in range(0, len(self.dev), 16)]
        results = [utterance_losses(model, batch) for batch in batches]
        means = {f"dev_{name}": float(torch.stack([r[name] for r in results]).mean()) for name in results[0]}
        return means | {"dev_g2p": float(word_loss(model, collate_words(self.dev_words)))}


def utterance_losses(text: TextToSemantic, batch: UtteranceBatch) -> dict[str, Tensor]:
    """Cross entropy of tokens, errors of features and of log durations; and the accuracy of tokens."""
    model = text.model
    hidden = model.encode(batch.phones, batch.phone_lengths, batch.style)
    log_durations = model.log_durations(hidden, batch.phone_lengths, batch.style)
    time = torch.arange(batch.tokens.shape[1])[None].expand(len(batch.tokens), -1)
    mask = sequence_mask(batch.lengths, batch.tokens.shape[1])
    logits, difference = model(hidden, batch.durations, time.contiguous(), mask, batch.style)
    valid = mask[..., 0] > 0
    logits, tokens = logits[valid], batch.tokens[valid]
    error = text.embed(logits, difference[valid]) - batch.features[valid]
    phones = length_mask(batch.phone_lengths, batch.phones.shape[1])
    target = batch.durations[phones].clamp(min=MIN_DURATION).log()
    return {
        "tokens": F.cross_entropy(logits, tokens),
        "features": error.square().mean(),
        "duration": (log_durations[phones] - target).square().mean(),
        "accuracy": (logits.argmax(-1) == tokens).float().mean(),
    }


def word_loss(text: TextToSemantic, batch: WordBatch) -> Tensor:
    """CTC loss per phone of the pronunciation of words."""
    log_probs = text.g2p(batch.letters, batch.lengths).transpose(0, 1)
    loss = F.ctc_loss(log_probs, batch.phones, SLOTS * batch.lengths, batch.phone_lengths, reduction="sum")
    return loss / len(batch.phones)


def main() -> int:
    """Train; return the exit status, see `training.run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    training.add_options(parser, Path(__file__).with_name("train_text.yaml"))
    parser.add_argument("--codec", default="decodec-16k-semantic", help="name or folder of the codec")
    parser.add_argument("--start", help="folder of a model whose weights the training starts from")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings.read(args.config)
    rows = [row for name in settings.banks for row in read_bank(args.bank, name)]
    trainer = Trainer(settings, args.codec, read_bank(args.bank, settings.dev_bank))
    if not training.resume(trainer, args.out) and args.start:
        codebook = trainer.text.codebook.clone()  # that of the codec, which may be another one
        trainer.start_from(TextToSemantic.from_pretrained(args.start))
        for module in (trainer.text, trainer.ema.module):
            module.codebook.copy_(codebook)
    held_out = {word for word, _ in trainer.dev_words}
    words = WordSampler({word: phones for word, phones in lexicon().items() if word not in held_out})
    sampler = UtteranceSampler(rows, settings.styles, settings.frames)

    def draw() -> tuple[UtteranceBatch, WordBatch]:
        return sampler.draw(trainer.random), words.draw(settings.words, trainer.random)

    return training.run(trainer, draw, args, save_models=True)


if __name__ == "__main__":
    sys.exit(main())
