"""A network that predicts PESQ and STOI, and by which a separation is trained to raise them.

After MetricGAN (Fu et al., 2019, arXiv 1905.04874), with the replay memory and the noisy speech of MetricGAN+ (2021,
arXiv 2104.03538), and with PESQ of short segments as in CMGAN (Cao et al., 2022, arXiv 2203.15149).
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from espnet2_decodec.codec.dsp.mel import mel_filterbank
from research.metrics import quality
from research.recognizer_distance import AUDIBLE
from research.training import step_optimizer

METRICS = ("pesq", "stoi")
"""What is predicted, in this order."""


def normalized_scores(clean: Tensor, wav: Tensor) -> list[float]:
    """PESQ and STOI of one recording [L], 0 to 1 each; NaN where one is not defined."""
    scores = quality(clean, wav)
    return [(scores["pesq"] - 1) / 3.64, min(max(scores["stoi"], 0.0), 1.0)]


class MetricDiscriminator(nn.Module):
    """Strided 2-D convolutions over the spectra of clean speech and of an estimate.

    The spectra are mel magnitudes, raised to `power`, of windows of 32 ms with half of them as hop, as in PESQ. Both
    waveforms are brought to the same level before.

    Args:
        bands: K, mel bands.
        channels: of the convolutions.
        power: to which magnitudes are raised.
    """

    n_fft = 512
    bank: Tensor
    window: Tensor

    def __init__(self, bands: int = 48, channels: tuple[int, ...] = (32, 64, 96, 96), power: float = 0.3):
        super().__init__()
        self.power = power
        bank = mel_filterbank(16000, self.n_fft, bands)
        self.register_buffer("bank", bank / bank.sum(0).clamp(min=1e-9), persistent=False)
        self.register_buffer("window", torch.hann_window(self.n_fft) / (0.375 * self.n_fft) ** 0.5, persistent=False)
        sizes = (2, *channels)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 5 if i == 0 else 3, stride=2, padding=2 if i == 0 else 1))
            for i, (a, b) in enumerate(zip(sizes, sizes[1:]))
        )
        self.hidden = spectral_norm(nn.Linear(2 * channels[-1], channels[-1]))
        self.out = nn.Linear(channels[-1], len(METRICS))

    def features(self, wav: Tensor) -> Tensor:
        """Wav [B, L] -> compressed mel magnitudes [B, K, T], of a common level; B may be 0."""
        if not len(wav):
            return wav.new_zeros(0, self.bank.shape[1], wav.shape[1] // (self.n_fft // 2) + 1)
        wav = wav / (wav.square().mean(1, keepdim=True) + 1e-10).sqrt()
        frames = F.pad(wav, (self.n_fft // 2,) * 2).unfold(-1, self.n_fft, self.n_fft // 2)
        spectrum = torch.fft.rfft(frames * self.window)
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-6).sqrt()
        return (magnitude @ self.bank).transpose(1, 2) ** self.power

    def forward(self, clean: Tensor, estimate: Tensor) -> Tensor:
        """Features of clean speech and of estimates, [B, K, T] each -> predictions of `METRICS` [B, 2]."""
        x = torch.stack([clean, estimate - clean], dim=1)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        pooled = torch.cat([x.mean((2, 3)), (x.square().mean((2, 3)) + 1e-6).sqrt()], dim=1)
        return torch.sigmoid(self.out(F.leaky_relu(self.hidden(pooled), 0.2)))


class MetricTraining:
    """The training of a discriminator beside that of a separation.

    Args:
        lr: learning rate of the discriminator.
        capacity: number of pairs in the replay memory.
        replayed: pairs of it in each step.
        mixtures: of each batch, the number whose own scores are learned.
    """

    def __init__(self, lr: float, capacity: int = 512, replayed: int = 12, mixtures: int = 2):
        self.discriminator = MetricDiscriminator()
        self.optimizer = torch.optim.AdamW(self.discriminator.parameters(), lr, (0.8, 0.98), weight_decay=1e-3)
        self.capacity, self.replayed, self.mixtures = capacity, replayed, mixtures
        self.memory: dict[str, Tensor] = {}

    def train_step(
        self, clean: Tensor, estimate: Tensor, mixture: Tensor, random: np.random.Generator, step: int
    ) -> dict[str, Tensor]:
        """One step of the discriminator, then the term of the separation.

        Args:
            clean: speech [B, L].
            estimate: separated speech [B, L], with gradients.
            mixture: [B, L].
            random: draws from the memory.
            step: number of the training step.

        Returns:
            `metric`: mean squared distance of the predictions of the estimates from 1; `discriminator`: mean squared
            error of the predictions; `pesq` and `stoi`: means of the estimates. Empty where no item has speech.
        """
        with torch.no_grad():
            estimates = self._scored(clean, estimate.detach(), len(clean))
            mixtures = self._scored(clean, mixture, self.mixtures)
        if not len(estimates["scores"]):
            return {}
        self.discriminator.requires_grad_(True)
        loss = self._update(estimates, mixtures, random, step)
        self.discriminator.requires_grad_(False)
        spoken = estimates["items"]
        prediction = self.discriminator(estimates["clean"].float(), self.discriminator.features(estimate[spoken]))
        means = dict(zip(METRICS, estimates["scores"].mean(0)))
        return {"metric": (prediction - 1).square().mean(), "discriminator": loss, **means}

    def _scored(self, clean: Tensor, wav: Tensor, count: int) -> dict[str, Tensor]:
        """Features and scores of the first `count` items whose metrics are defined, and their numbers."""
        items, scores = [], []
        for i in range(len(clean)):
            found = normalized_scores(clean[i], wav[i]) if clean[i].square().mean() > AUDIBLE else [math.nan]
            if all(map(math.isfinite, found)):
                items.append(i)
                scores.append(found)
            if len(items) == count:
                break
        features = self.discriminator.features
        return {
            "clean": features(clean[items]).half(), "estimate": features(wav[items]).half(),
            "scores": clean.new_tensor(scores).view(-1, len(METRICS)), "items": torch.tensor(items, dtype=torch.long),
        }  # fmt: skip

    def _update(
        self, estimates: dict[str, Tensor], mixtures: dict[str, Tensor], random: np.random.Generator, step: int
    ) -> Tensor:
        """A step on estimates, mixtures, clean speech itself, and pairs of the memory; then they join the memory."""
        fresh = {name: torch.cat([estimates[name], mixtures[name]]) for name in ("clean", "estimate", "scores")}
        parts = [fresh, {**fresh, "estimate": fresh["clean"], "scores": torch.ones_like(fresh["scores"])}]
        if self.memory:
            drawn = torch.from_numpy(random.integers(len(self.memory["scores"]), size=self.replayed))
            parts.append({name: value[drawn] for name, value in self.memory.items()})
        clean, estimate, scores = (torch.cat([part[name] for part in parts]).float() for name in fresh)
        loss = (self.discriminator(clean, estimate) - scores).square().mean()
        step_optimizer(self.optimizer, loss, list(self.discriminator.parameters()), 1.0, step)
        old = self.memory or {name: value[:0] for name, value in fresh.items()}
        self.memory = {name: torch.cat([old[name], fresh[name]])[-self.capacity :] for name in fresh}
        return loss.detach()

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs."""
        return {
            "discriminator": self.discriminator.state_dict(), "optimizer": self.optimizer.state_dict(),
            "memory": self.memory,
        }  # fmt: skip

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of `state`."""
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.memory = dict(state["memory"])
