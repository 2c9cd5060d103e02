"""A training of the speech stream of a codec with a semantic level: its modules, one step, and its state."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.semantic_mdct import SemanticMDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.quantizer import QuantizedResult
from espnet2_decodec.codec.semantic_quantizer import SemanticRVQ
from research.tokens.batches import BatchSampler, TrainingBatch
from research.tokens.discriminators import Discriminators, discriminator_loss, generator_losses
from research.tokens.ema import EMA
from research.tokens.losses import SpeechLosses
from research.tokens.settings import Settings
from research.training import autocast, set_learning_rates, step_optimizer

WEIGHTS = {
    "complex": 1.0, "magnitude": 2.0, "mel": 4.0, "unfiltered": 0.5, "commitment": 1.0, "content": 0.5,
    "adversarial": 0.1, "matching": 0.4,
}  # fmt: skip
EMA_INTERVAL = 4
"""Steps between two updates of the average."""


class Trainer:
    """Decoder, post-filter and predictor of the speech, with the separation and the semantic level frozen.

    Args:
        settings: of the training.
        model: folder of the codec to start from.
        seed: of discriminators and of everything that is drawn.
    """

    def __init__(self, settings: Settings, model: str | Path, seed: int = 0):
        torch.manual_seed(seed)
        self.settings, self.step, self.minutes = settings, 0, 0.0
        self.random, self.weights = np.random.default_rng(seed), WEIGHTS | settings.weights
        self.codec = DeCodec.from_pretrained(model).requires_grad_(False)
        backbone, quantizer = self.codec.backbone, self.codec.speech_quantizer
        if not isinstance(backbone, SemanticMDCTBackbone) or not isinstance(quantizer, SemanticRVQ):
            raise ValueError(f"{model} is not a codec with a semantic level.")
        self.backbone, self.quantizer = backbone, quantizer
        for part in [quantizer.semantic] + [quantizer.waveform] * (not settings.train_codebooks):
            part.ema_decay, part.dead_code_threshold = 1.0, 0.0  # keeps the codebooks
        fast, slow = nn.ModuleList([backbone.post_filter, quantizer.predictor]), backbone.decoder
        self.trained = [*fast.requires_grad_().parameters(), *slow.requires_grad_().parameters()]
        groups = [
            {"params": list(fast.parameters()), "base": settings.lr},
            {"params": list(slow.parameters()), "base": settings.lr_decoder},
        ]
        self.optimizer = torch.optim.AdamW(groups, settings.lr, (0.8, 0.98), weight_decay=1e-3, fused=True)
        self.ema, self.losses = EMA(self.codec, settings.ema_decay), SpeechLosses()
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
        set_learning_rates(self, self.optimizer, settings.warmup_lr)
        levels = self._draw_levels(len(batch.mixture))
        with autocast():
            with torch.no_grad():
                speech = self.codec.subspace.split(self.codec.latent(batch.mixture))[0]
            result = self._quantize(speech, levels)
            wav, unfiltered = self._synthesize(result.x)
        rms = batch.target.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4)
        has_waveform, turn = (levels > self.quantizer.parametric_levels).float(), int(self.random.integers(100))
        terms = self.losses(wav / rms, batch.target / rms, has_waveform, turn)
        before = self.losses(unfiltered / rms, batch.target / rms, has_waveform, turn)
        terms["unfiltered"] = sum(self.weights[name] * value for name, value in before.items())
        terms["commitment"] = result.commitment
        terms["content"] = self._content_loss(wav, batch.target)
        if adversarial:
            terms |= self._discriminate(torch.cat([batch.target / rms, wav / rms]))
        loss = sum(self.weights[name] * value for name, value in terms.items() if name in self.weights)
        self._update(self.optimizer, loss, self.trained)
        if self.step % EMA_INTERVAL == 0:
            self.ema.update(self.codec)
        self.step += 1
        terms |= {"error": result.metrics["error"], "perplexity": result.metrics["perplexity"].mean()}
        return {name: float(value.detach()) for name, value in terms.items()}

    def _quantize(self, speech: Tensor, levels: Tensor) -> QuantizedResult:
        """Latents [B, D_s, T] with the given numbers of levels [B]."""
        result = self.quantizer.train()(speech, levels)
        self.quantizer.eval()
        return result

    def _synthesize(self, speech: Tensor) -> tuple[Tensor, Tensor]:
        """Latents [B, D_s, T] -> speech [B, T * hop] and the same before the post-filter, with noise of any frame."""
        empty = speech.new_zeros(len(speech), self.backbone.stem_dims[1], speech.shape[2])
        latent = self.codec.subspace.merge(speech, empty)
        phase = self.backbone.advance_phase(latent)[0]
        start = torch.from_numpy(self.random.integers(0, 100000, (len(speech), 1, 1)))
        numbers = (phase[:, 2:] + start) % self.backbone.excitation.noise_period
        return self.backbone.decode_speech(latent, None, torch.cat([phase[:, :2], numbers], dim=1))

    def _draw_levels(self, count: int) -> Tensor:
        """Number of levels of each item [count], drawn by `level_probs`."""
        choices = list(self.settings.level_probs)
        shares = np.array([self.settings.level_probs[c] for c in choices])
        drawn = self.random.choice(choices, count, p=shares / shares.sum())
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
        self._update(self.optimizer_d, loss, [p for i in chosen for p in self.discriminators.parts[i].parameters()])
        self.discriminators.requires_grad_(False)
        with autocast():
            adversarial, matching = generator_losses(self.discriminators(pair, chosen))
        self.discriminators.requires_grad_(True)
        return {"discriminator": loss, "adversarial": adversarial, "matching": matching}

    def _update(self, optimizer: torch.optim.Optimizer, loss: Tensor, weights: list[nn.Parameter]) -> None:
        step_optimizer(optimizer, loss, weights, self.settings.clip, self.step)

    def _make_discriminators(self) -> None:
        self.discriminators = Discriminators(**self.settings.discriminators)
        self.optimizer_d = torch.optim.AdamW(
            self.discriminators.parameters(), self.settings.lr_discriminator, (0.8, 0.98), weight_decay=1e-3, fused=True
        )

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""
        state = {
            "settings": asdict(self.settings), "step": self.step, "minutes": self.minutes,
            "random": self.random.bit_generator.state,
            "torch_random": torch.get_rng_state(), "codec": self.codec.state_dict(),
            "average": self.ema.module.state_dict(), "updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        if self.discriminators is not None and self.optimizer_d is not None:
            state["discriminators"] = self.discriminators.state_dict()
            state["optimizer_d"] = self.optimizer_d.state_dict()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        self.step, self.minutes = state["step"], state["minutes"]
        self.random.bit_generator.state = state["random"]
        torch.set_rng_state(state["torch_random"])
        self.codec.load_state_dict(state["codec"])
        self.ema.module.load_state_dict(state["average"])
        self.ema.updates = state["updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        if "discriminators" in state:
            self._make_discriminators()
            assert self.discriminators is not None and self.optimizer_d is not None
            self.discriminators.load_state_dict(state["discriminators"])
            self.optimizer_d.load_state_dict(state["optimizer_d"])
