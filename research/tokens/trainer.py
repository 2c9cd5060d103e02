"""A training of the speech stream of a codec with a semantic level: its modules, one step, and its state."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from research.metric_discriminator import MetricTraining
from research.recognizer_distance import RecognizerDistance
from research.tokens.batches import BatchSampler, TrainingBatch
from research.tokens.discriminators import Discriminators, discriminator_loss, generator_losses
from research.tokens.ema import EMA
from research.tokens.losses import SpeechLosses
from research.tokens.settings import Settings
from research.training import CodecState, autocast, draw_levels, phase_with_random_noise, step_optimizer

WEIGHTS = {
    "complex": 1.0, "magnitude": 2.0, "mel": 4.0, "unfiltered": 0.5, "commitment": 1.0, "content": 0.5,
    "adversarial": 0.1, "matching": 0.4, "recognizer": 0.0,
    "metric": 0.0,
}  # fmt: skip


class Trainer(CodecState):
    """Decoder, post-filter and predictor of the speech, with the separation and the semantic level frozen.

    Args:
        settings: of the training.
        model: folder of the codec to start from.
    """

    settings: Settings
    betas = (0.8, 0.98)
    ema_interval = 4
    has_torch_random = True

    def __init__(self, settings: Settings, model: str | Path):
        super().__init__(settings)
        self.weights = WEIGHTS | settings.weights
        self.codec = DeCodec.from_pretrained(model).requires_grad_(False)
        backbone, quantizer = self.codec.backbone, self.codec.speech_quantizer
        if not isinstance(backbone, SemanticMDCTBackbone) or not isinstance(quantizer, SemanticRVQ):
            raise ValueError(f"{model} is not a codec with a semantic level.")
        self.backbone, self.quantizer = backbone, quantizer
        for part in [quantizer.semantic] + [quantizer.waveform] * (not settings.train_codebooks):
            part.ema_decay, part.dead_code_threshold = 1.0, 0.0  # keeps the codebooks
        fast, slow = nn.ModuleList([backbone.post_filter, quantizer.predictor]), backbone.decoder
        groups = [
            {"params": list(fast.requires_grad_().parameters()), "base": settings.lr},
            {"params": list(slow.requires_grad_().parameters()), "base": settings.lr_decoder},
        ]
        self.prepare(groups, weight_decay=1e-3)
        self.losses = SpeechLosses()
        self.recognizer = RecognizerDistance.from_package() if self.weights["recognizer"] else None
        self.metric = MetricTraining(**settings.metric) if self.weights["metric"] else None
        self.discriminators: Discriminators | None = None
        self.optimizer_d: torch.optim.Optimizer | None = None

    @torch.no_grad()
    def initialize(self, sampler: BatchSampler, batches: int = 100) -> None:
        """Set scales and codebooks of the parametric levels from training data; the predictor starts at the mean."""
        found = []
        for _ in range(batches):
            batch = sampler.draw(self.settings.batch, self.settings.mixed, self.settings.segment, self.random)
            latent = self.codec.latent(batch.mixture)[:, self.backbone.content_dim :]
            found.append(latent[:, : self.backbone.stem_dim].transpose(1, 2).flatten(0, 1))
        self.initialize_from(torch.cat(found))

    @torch.no_grad()
    def initialize_from(self, coordinates: Tensor) -> None:
        """As `initialize`, from coordinates of the speech [M, D]."""
        parameters = coordinates[:, : self.backbone.parametric_dim]
        self.backbone.coordinate_scale.copy_(coordinates.square().mean(0).sqrt().clamp(min=1e-4))
        self.quantizer.offset.copy_(parameters.mean(0))
        self.quantizer.scale.fill_(float(parameters[:, :-2].std(0).mean().clamp(min=1e-4)))
        for parameter in self.quantizer.predictor.out_proj.parameters():
            parameter.zero_()
        residuals = (parameters - self.quantizer.offset) / self.quantizer.scale
        self.quantizer.parametric.init_kmeans(residuals, iterations=8)
        self.ema = EMA(self.codec, self.settings.ema_decay)

    def train_step(self, batch: TrainingBatch) -> dict[str, float]:
        """One step; returns the named losses."""
        settings = self.settings
        adversarial = self.step >= settings.adversarial
        if adversarial and self.discriminators is None:
            self._make_discriminators()
        levels = self._draw_levels(len(batch.mixture))
        with autocast():
            with torch.no_grad():
                speech = self.codec.subspace.split(self.codec.latent(batch.mixture))[0]
            result = self.quantizer.train()(speech, levels)
            self.quantizer.eval()
            wav, unfiltered = self._synthesize(result.x)
        rms = batch.target.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4)
        has_waveform, turn = (levels > self.quantizer.parametric_levels).float(), int(self.random.integers(100))
        terms = self.losses(wav / rms, batch.target / rms, has_waveform, turn)
        before = self.losses(unfiltered / rms, batch.target / rms, has_waveform, turn)
        terms["unfiltered"] = sum(self.weights[name] * value for name, value in before.items())
        terms["commitment"] = result.commitment
        terms["content"] = self._content_loss(wav, batch.target)
        if self.recognizer is not None:
            with autocast():
                terms["recognizer"] = self.recognizer(wav, batch.target)
        if self.metric is not None:
            terms |= self.metric.train_step(batch.target, wav.float(), batch.mixture, self.random, self.step)
            if self.step < settings.metric_start and "metric" in terms:
                terms["metric"] = terms["metric"].detach()
        if adversarial:
            terms |= self._discriminate(torch.cat([batch.target / rms, wav / rms]))
        loss = sum(self.weights[name] * value for name, value in terms.items() if name in self.weights)
        assert isinstance(loss, Tensor)
        self.update(loss)
        terms |= {"error": result.metrics["error"], "perplexity": result.metrics["perplexity"].mean()}
        return {name: float(value.detach()) for name, value in terms.items()}

    def _synthesize(self, speech: Tensor) -> tuple[Tensor, Tensor]:
        """Latents [B, D_s, T] -> speech [B, T * hop] and the same before the post-filter, with noise of any frame."""
        empty = speech.new_zeros(len(speech), self.backbone.stem_dims[1], speech.shape[2])
        latent = self.codec.subspace.merge(speech, empty)
        return self.backbone.decode_speech(latent, None, phase_with_random_noise(self.backbone, latent, self.random))

    def _draw_levels(self, count: int) -> Tensor:
        """Number of levels of each item [count], drawn by `level_probs`."""
        drawn = draw_levels(self.settings.level_probs, count, self.random)
        return torch.from_numpy(np.where(drawn == 0, self.random.integers(2, self.codec.speech_levels, count), drawn))

    def _content_loss(self, wav: Tensor, clean: Tensor) -> Tensor:
        """Half the mean squared distance between the semantic features of decoded and of clean speech."""
        with autocast():
            with torch.no_grad():
                target = self.backbone.semantic_encoder(clean)
            return 0.5 * (self.backbone.semantic_encoder(wav) - target).square().mean()

    def _discriminate(self, pair: Tensor) -> dict[str, Tensor]:
        """The discriminators' step on real and decoded waveforms [2 B, L], then the generator's terms."""
        assert self.discriminators is not None and self.optimizer_d is not None
        order = self.random.permutation(len(self.discriminators.parts))
        chosen = sorted(order[: self.settings.discriminators_per_step].tolist())
        with autocast():
            loss = discriminator_loss(self.discriminators(pair.detach(), chosen))
        weights = [p for i in chosen for p in self.discriminators.parts[i].parameters()]
        step_optimizer(self.optimizer_d, loss, weights, self.settings.clip, self.step)
        self.discriminators.requires_grad_(False)
        with autocast():
            adversarial, matching = generator_losses(self.discriminators(pair, chosen))
        self.discriminators.requires_grad_(True)
        return {"discriminator": loss, "adversarial": adversarial, "matching": matching}

    def _make_discriminators(self) -> None:
        self.discriminators = Discriminators(**self.settings.discriminators)
        self.optimizer_d = torch.optim.AdamW(
            self.discriminators.parameters(), self.settings.lr_discriminator, (0.8, 0.98), weight_decay=1e-3, fused=True
        )

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""
        state = super().state()
        if self.discriminators is not None and self.optimizer_d is not None:
            state["discriminators"] = self.discriminators.state_dict()
            state["optimizer_d"] = self.optimizer_d.state_dict()
        return state | ({"metric": self.metric.state()} if self.metric is not None else {})

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        super().load_state(state)
        if "discriminators" in state:
            self._make_discriminators()
            assert self.discriminators is not None and self.optimizer_d is not None
            self.discriminators.load_state_dict(state["discriminators"])
            self.optimizer_d.load_state_dict(state["optimizer_d"])
        if self.metric is not None and "metric" in state:
            self.metric.load_state(state["metric"])
