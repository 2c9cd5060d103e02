"""A training of the semantic encoder and of the codebook of level 1: its settings and one step."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from research.extension import extend_codec
from research.tokens.semantic_bank import SemanticBank, SemanticBatch
from research.training import CodecState, TrainingSettings, autocast


@dataclass(kw_only=True)
class Settings(TrainingSettings):
    """Settings of a training.

    Attributes:
        backbone: options of the backbone that differ from those of the codec to start from.
        batch: items per step, each of them twice: as it is, and changed.
        frames: of each item.
        unquantized: probability that an item is not quantized.
        head: arguments of the network that predicts the targets, see `ConvNeXtStack`.
        stretch: limit of the logarithm of the factor by which frequencies are scaled, see `perturb`.
        temperature: of the consistency.
        weights: of the losses; `anchor` is the distance of the features of clean speech to those of the codec to
            start from, which models that were trained with them can then still read.
        ema_decay_codebook: of the codebook.
        keep_codebook: go on with the codebook of the codec to start from.
    """

    backbone: dict[str, Any] = field(default_factory=dict)
    batch: int = 12
    frames: int = 128
    unquantized: float = 0.25
    head: dict[str, int] = field(default_factory=lambda: {"channels": 256, "blocks": 2, "kernel": 7})
    stretch: float = 0.17
    temperature: float = 4.0
    weights: dict[str, float] = field(
        default_factory=lambda: {
            "middle": 1.0,
            "decoder": 1.0,
            "commitment": 0.25,
            "consistency": 0.1,
            "anchor": 0.0,
        }  # fmt: skip
    )
    ema_decay_codebook: float = 0.99
    keep_codebook: bool = False
    lr: float = 1.5e-3
    clip: float = 2.0


def perturb(features: Tensor, generator: torch.Generator, limit: float, prob: float = 0.7) -> Tensor:
    """Vocal tract length perturbation of spectra [B, T, N, M] of M mel bands by up to exp(`limit`), and noise."""
    batch, _, count, bands = features.shape
    factor = torch.exp((torch.rand(batch, generator=generator) * 2 - 1) * limit)
    factor = torch.where(torch.rand(batch, generator=generator) < prob, factor, torch.ones(()))
    place = (torch.arange(bands) * factor[:, None]).clamp(max=bands - 1)
    low = place.long().clamp(max=bands - 2)
    share = (place - low)[:, None, None, :]
    index = low[:, None, None, :].expand(-1, features.shape[1], count, -1)
    x = features.gather(3, index) * (1 - share) + features.gather(3, index + 1) * share
    return x + 0.1 * torch.randn(features.shape, generator=generator)


class SemanticTrainer(CodecState):
    """Semantic encoder, codebook of level 1, and a network from the quantized features to the teacher's targets.

    Args:
        settings: of the training.
        model: name or folder of the codec to start from.
        targets_dim: C.

    Raises:
        ValueError: if the codec has no semantic level.
    """

    settings: Settings
    ema_interval = 4

    def __init__(self, settings: Settings, model: str | Path, targets_dim: int):
        super().__init__(settings)
        base = DeCodec.from_pretrained(model).requires_grad_(False)
        self.codec = extend_codec(base, settings.backbone).requires_grad_(False)
        backbone, quantizer = self.codec.backbone, self.codec.speech_quantizer
        if not isinstance(backbone, SemanticMDCTBackbone) or not isinstance(quantizer, SemanticRVQ):
            raise ValueError(f"{model} is not a codec with a semantic level.")
        assert isinstance(base.backbone, SemanticMDCTBackbone)
        self.encoder, self.start_encoder = backbone.semantic_encoder.requires_grad_(), base.backbone.semantic_encoder
        self.semantic = quantizer.semantic
        self.semantic.ema_decay = settings.ema_decay_codebook
        options: dict[str, Any] = settings.head
        self.head = ConvNeXtStack(self.encoder.dim, dim_out=targets_dim, causal=False, **options)
        weights = [*self.encoder.parameters(), *self.head.parameters()]
        self.prepare([{"params": weights, "base": settings.lr}], weight_decay=0.01)

    def draw(self, bank: SemanticBank) -> SemanticBatch:
        """The next batch."""
        return bank.draw_batch(self.settings.batch, self.settings.frames, self.random)

    @torch.no_grad()
    def initialize(self, bank: SemanticBank, batches: int = 40) -> None:
        """Set the codebook by k-means of the features of training data, unless it is kept."""
        if self.settings.keep_codebook:
            return
        found = [self.encoder.encode_log_mel(self.draw(bank).plain).flatten(0, 1) for _ in range(batches)]
        self.semantic.init_kmeans(torch.cat(found), iterations=8)

    def train_step(self, batch: SemanticBatch) -> dict[str, float]:
        """One step; returns the named losses."""
        settings = self.settings
        generator = torch.Generator().manual_seed(int(self.random.integers(2**62)))
        spectra = torch.cat([batch.augmented, batch.mixture], dim=2).unflatten(2, (4, -1))
        augmented, mixture = perturb(spectra, generator, settings.stretch).flatten(2).chunk(2, dim=2)
        views, mixtures = torch.cat([batch.plain, augmented]), torch.cat([batch.plain, mixture])
        with autocast():
            features = self.encoder.encode_log_mel(views, mixture_log_mel=mixtures)
        levels = torch.where(torch.rand(len(views), generator=generator) < settings.unquantized, 2, 1)
        result = self.semantic.train()(features.transpose(1, 2), levels)
        self.semantic.eval()
        with autocast():
            predicted = self.head(result.x.transpose(1, 2), None).float()
        error = (predicted - batch.targets.repeat(2, 1, 1)).square().unflatten(2, (2, -1)).mean((1, 3))
        first, second = result.codes[:, 0].chunk(2)
        plain, changed = features.chunk(2)
        terms = {
            "middle": error[:, 0].mean(), "decoder": error[:, 1].mean(), "commitment": result.commitment,
            "consistency": self._consistency(changed, first) + 0.2 * self._consistency(plain, second),
        }  # fmt: skip
        if settings.weights["anchor"]:
            with torch.no_grad():
                before = self.start_encoder.encode_log_mel(batch.plain)
            terms["anchor"] = (plain - before).square().mean()
        loss = sum(weight * terms[name] for name, weight in settings.weights.items() if weight)
        assert isinstance(loss, Tensor)
        self.update(loss)
        terms |= {"same": (first == second).float().mean(), "perplexity": result.metrics["perplexity"][0]}
        return {name: float(value.detach()) for name, value in terms.items()}

    def _consistency(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Cross-entropy of the distances of features [B, T, S] to all codes, given tokens [B, T] of the same speech."""
        book = self.semantic.codebooks[0]
        logits = (2 * features @ book.T - book.square().sum(1)) / self.settings.temperature
        return nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""
        return super().state() | {"head": self.head.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        super().load_state(state)
        self.head.load_state_dict(state["head"])
