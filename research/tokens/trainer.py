"""Training of the speech stream: its modules, one step, and its state."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from research.tokens import packing
from research.tokens.batches import TrainingBatch
from research.tokens.codec import TokenCodec, TokenCodecConfig
from research.tokens.discriminators import Discriminators, discriminator_loss, generator_losses
from research.tokens.ema import EMA
from research.tokens.losses import SpeechLosses
from research.tokens.settings import Settings
from research.tokens.weights import load_content, load_weights

WEIGHTS = {
    "snr": 1.0,
    "complex": 2.0,
    "magnitude": 2.0,
    "mel": 4.0,
    "commitment": 0.5,
    "scale_nll": 0.1,
    "content": 1.0,
    "adversarial": 0.3,
    "matching": 1.0,
}
EMA_INTERVAL = 4
"""Steps from one update of the averaged weights to the next."""


class Trainer:
    """Generator, discriminators, optimizers and averaged weights.

    Args:
        settings: of the training.
        seed: of weights and of all randomness.
    """

    def __init__(self, settings: Settings, seed: int = 0):
        torch.manual_seed(seed)
        self.settings, self.step, self.minutes = settings, 0, 0.0
        self.random = np.random.default_rng(seed)
        self.weights = WEIGHTS | settings.weights
        self.codec = TokenCodec(TokenCodecConfig(**settings.codec))
        if settings.content:
            self.codec.content.load_state_dict(load_content(Path(settings.content)))
        self.codec.train()
        self.trained = [p for p in self.codec.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained, lr=settings.lr, betas=(0.8, 0.98), weight_decay=1e-3, fused=True
        )
        self.ema = EMA(self.codec, settings.ema_decay)
        self.losses = SpeechLosses(**settings.losses)
        self.quantized = False
        self.collected: list[tuple[Tensor, Tensor]] = []
        self.discriminators: Discriminators | None = None
        self.optimizer_d: torch.optim.Optimizer | None = None

    @property
    def adversarial(self) -> bool:
        """Whether discriminators take part in this step."""
        return self.settings.adversarial is not None and self.step >= self.settings.adversarial

    def train_step(self, batch: TrainingBatch) -> dict[str, float]:
        """One step; returns the named losses."""
        if self.adversarial and self.discriminators is None:
            self._make_discriminators()
        ramp = min(1.0, (self.step + 1) / self.settings.warmup_lr)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.lr * ramp
        levels = self._draw_levels(len(batch.input))
        start = torch.from_numpy(self.random.integers(0, 100000, len(batch.input)))
        with torch.autocast("cpu", torch.bfloat16):
            decoded = self.codec(batch.input, levels, start, quantize=self.quantized)
        rms = batch.target.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4)
        normalized = (x / rms for x in (decoded.wav, decoded.waveform_part, batch.target))
        terms = self.losses(*normalized, turn=int(self.random.integers(100)))
        if self.quantized:
            terms["commitment"] = decoded.quantized.commitment
        terms["scale_nll"] = decoded.quantized.scale_nll
        if self.weights["content"] and self.quantized:
            terms["content"] = self._content_loss(decoded.wav, batch.target)
        if self.adversarial:
            terms |= self._discriminate(torch.cat([batch.target / rms, decoded.wav / rms]))
        loss = sum(self.weights[name] * value for name, value in terms.items() if name in self.weights)
        self._update(self.optimizer, loss, self.trained)
        if self.step % EMA_INTERVAL == 0:
            self.ema.update(self.codec)
        if not self.quantized:
            self._collect(decoded.latent.detach(), batch.input)
        else:
            terms["error"] = decoded.quantized.error
            terms["perplexity"] = decoded.quantized.perplexity.mean()
        self.step += 1
        return {name: float(value.detach()) for name, value in terms.items()}

    def init_from(self, folder: Path) -> None:
        """Start from exported weights, with their codebooks; optimizer and discriminators start anew."""
        self.codec.load_state_dict(load_weights(folder))
        self.ema = EMA(self.codec, self.settings.ema_decay)
        self.quantized = True

    def _draw_levels(self, count: int) -> Tensor:
        """Number of levels of each item [count], drawn by `level_probs`."""
        choices = list(self.settings.level_probs)
        shares = np.array([self.settings.level_probs[c] for c in choices])
        drawn = self.random.choice(choices, count, p=shares / shares.sum())
        random_levels = self.random.integers(2, self.codec.levels, count)
        return torch.from_numpy(np.where(drawn == 0, random_levels, drawn))

    def _content_loss(self, wav: Tensor, clean: Tensor) -> Tensor:
        """Half the mean squared distance between the content of decoded and of clean speech."""
        encoder = self.ema.module.content
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                target = encoder(clean)
            return 0.5 * (encoder(wav) - target).square().mean()

    def _discriminate(self, pair: Tensor) -> dict[str, Tensor]:
        """The discriminators' step on real and decoded waveforms [2 B, L], then the generator's terms."""
        count = len(self.discriminators.parts)
        chosen = sorted(self.random.permutation(count)[: self.settings.discriminators_per_step].tolist())
        with torch.autocast("cpu", torch.bfloat16):
            loss = discriminator_loss(self.discriminators(pair.detach(), chosen))
        self._update(self.optimizer_d, loss, [p for i in chosen for p in self.discriminators.parts[i].parameters()])
        self.discriminators.requires_grad_(False)
        with torch.autocast("cpu", torch.bfloat16):
            adversarial, matching = generator_losses(self.discriminators(pair, chosen))
        self.discriminators.requires_grad_(True)
        return {"discriminator": loss, "adversarial": adversarial, "matching": matching}

    def _update(self, optimizer: torch.optim.Optimizer, loss: Tensor, weights: list[nn.Parameter]) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(weights, self.settings.clip)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"The gradients are not finite at step {self.step}; lower the learning rate.")
        optimizer.step()

    def _collect(self, latent: Tensor, wav: Tensor) -> None:
        """Keep the last latents [B, D, T] and waveforms; after the warm-up, initialize the codebooks with them."""
        self.collected = [*self.collected[-119:], (latent, wav)]
        if self.step + 1 >= self.settings.warmup:
            latents, wavs = (torch.cat(parts) for parts in zip(*self.collected))
            with torch.no_grad():
                content = self.codec.content.embed(self.codec.content.encode(wavs))
            self.codec.quantizer.init_kmeans(latents, content)
            self.quantized, self.collected = True, []

    def state(self) -> dict[str, Any]:
        """State of the training, packed.

        The running training is rounded to the packed values, so that a resumed training continues identically. The
        content encoder is left out: it is read from the file in the settings, and never changes.
        """
        average = dict(self.ema.module.named_parameters())
        weights = packing.pack_module(self.codec, ("content.",))
        rounded = packing.unpack_module(weights)
        self.codec.load_state_dict(self.codec.state_dict() | rounded)
        offsets = {name: packing.pack_linear(average[name] - rounded[name]) for name in average if name in rounded}
        self._load_ema(offsets)
        state = {
            "settings": asdict(self.settings),
            "step": self.step,
            "minutes": self.minutes,
            "random": self.random.bit_generator.state,
            "torch_random": torch.get_rng_state(),
            "codec": weights,
            "average": offsets,
            "updates": self.ema.updates,
            "optimizer": packing.pack_optimizer(self.optimizer),
            "quantized": self.quantized,
            "collected": self.collected,
        }
        self.optimizer.load_state_dict(packing.unpack_optimizer(state["optimizer"]))
        if self.discriminators is not None:
            state["discriminators"] = packing.pack_module(self.discriminators)
            state["optimizer_d"] = packing.pack_optimizer(self.optimizer_d)
            self._load_discriminators(state)
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        self.step, self.minutes, self.quantized = state["step"], state["minutes"], state["quantized"]
        self.collected = state["collected"]
        self.random.bit_generator.state = state["random"]
        torch.set_rng_state(state["torch_random"])
        self.codec.load_state_dict(self.codec.state_dict() | packing.unpack_module(state["codec"]))
        self.ema.updates = state["updates"]
        self._load_ema(state["average"])
        self.optimizer.load_state_dict(packing.unpack_optimizer(state["optimizer"]))
        if "discriminators" in state:
            self._make_discriminators()
            self._load_discriminators(state)

    def _load_ema(self, offsets: dict[str, packing.Packed]) -> None:
        """Copy the buffers of the codec, and restore averaged weights from their offsets to its weights."""
        self.ema.module.load_state_dict(self.codec.state_dict())
        with torch.no_grad():
            for name, value in self.ema.module.named_parameters():
                if name in offsets:
                    value += packing.unpack_linear(offsets[name])

    def _make_discriminators(self) -> None:
        self.discriminators = Discriminators(**self.settings.discriminators)
        self.optimizer_d = torch.optim.AdamW(
            self.discriminators.parameters(), self.settings.lr_discriminator, (0.8, 0.98), weight_decay=1e-3, fused=True
        )

    def _load_discriminators(self, state: dict[str, Any]) -> None:
        self.discriminators.load_state_dict(packing.unpack_module(state["discriminators"]))
        self.optimizer_d.load_state_dict(packing.unpack_optimizer(state["optimizer_d"]))
