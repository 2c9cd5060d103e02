"""A network that predicts PESQ, STOI and DNSMOS, and by which a separation or a decoder is trained to raise them.

After MetricGAN (Fu et al., 2019, arXiv 1905.04874), with the replay memory and the noisy speech of MetricGAN+ (2021,
arXiv 2104.03538), and with PESQ of short segments as in CMGAN (Cao et al., 2022, arXiv 2203.15149).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from espnet2_decodec.codec.dsp.mel import mel_filterbank
from research.audible import is_audible
from research.metrics import quality
from research.segment_dnsmos import segment_dnsmos
from research.training import step_optimizer

METRICS = ("pesq", "stoi", "dnsmos")
"""What can be predicted."""


def normalized_scores(clean: Tensor, wav: Tensor, metrics: Sequence[str] = METRICS[:2]) -> Tensor:
    """Scores of waveforms [B, L] as [B, number of metrics], 0 to 1 each; NaN where one is not defined."""
    measured = [quality(*pair) for pair in zip(clean, wav)]
    columns = {
        "pesq": [(scores["pesq"] - 1) / 3.64 for scores in measured],
        "stoi": [min(max(scores["stoi"], 0.0), 1.0) for scores in measured],
        "dnsmos": ((segment_dnsmos(wav) - 1) / 3).clamp(0, 1).tolist() if "dnsmos" in metrics else [],
    }
    return torch.tensor([columns[name] for name in metrics]).T.reshape(len(wav), len(metrics))


class MetricDiscriminator(nn.Module):
    """Strided 2-D convolutions over the spectra of clean speech and of an estimate.

    The spectra are mel magnitudes, raised to `power`, of windows of 32 ms with half of them as hop, as in PESQ. Both
    waveforms are brought to the same level before.

    Args:
        outputs: N, number of scores.
        bands: K, mel bands.
        channels: of the convolutions.
        power: to which magnitudes are raised.
    """

    n_fft = 512
    bank: Tensor
    window: Tensor

    def __init__(
        self, outputs: int = 2, bands: int = 48, channels: tuple[int, ...] = (32, 64, 96, 96), power: float = 0.3
    ):
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
        self.out = nn.Linear(channels[-1], outputs)

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
        """Features of clean speech and of estimates, [B, K, T] each -> predicted scores [B, N]."""
        x = torch.stack([clean, estimate - clean], dim=1)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        pooled = torch.cat([x.mean((2, 3)), (x.square().mean((2, 3)) + 1e-6).sqrt()], dim=1)
        return torch.sigmoid(self.out(F.leaky_relu(self.hidden(pooled), 0.2)))


class MetricTraining:
    """The training of a discriminator beside that of a separation or a decoder, the generator.

    Args:
        lr: learning rate of the discriminator.
        metrics: of `METRICS`.
        scored: estimates of each batch whose scores are measured.
        capacity: number of pairs in the replay memory.
        replayed: pairs of it in each step.
        references: of each batch, mixtures and clean recordings whose own scores are measured.
    """

    def __init__(
        self,
        lr: float = 1e-3,
        metrics: Sequence[str] = METRICS[:2],
        scored: int = 6,
        capacity: int = 512,
        replayed: int = 12,
        references: int = 2,
    ):
        self.metrics, self.scored, self.references = tuple(metrics), scored, references
        self.discriminator = MetricDiscriminator(len(self.metrics))
        self.optimizer = torch.optim.AdamW(self.discriminator.parameters(), lr, (0.8, 0.98), weight_decay=1e-3)
        self.capacity, self.replayed = capacity, replayed
        self.memory: dict[str, Tensor] = {}

    def train_step(
        self, clean: Tensor, estimate: Tensor, mixture: Tensor, random: np.random.Generator, step: int
    ) -> dict[str, Tensor]:
        """One step of the discriminator, then the term of the generator.

        Args:
            clean: speech [B, L].
            estimate: separated or decoded speech [B, L], with gradients.
            mixture: [B, L].
            random: draws the items that are scored, and pairs of the memory.
            step: number of the training step.

        Returns:
            `metric`: mean squared distance of the predictions of the estimates from 1; `metric_error`: mean squared
            error of the predictions; and the mean scores of the estimates by name. Empty where no item has speech.
        """
        audible = torch.from_numpy(random.permutation(len(clean)))
        audible = audible[is_audible(clean)[audible]]
        with torch.no_grad():
            features = self.discriminator.features(clean[audible])
            few = audible[: self.references]
            found = [
                self._scored(clean[items], wav[items])
                for wav, items in ((estimate.detach(), audible[: self.scored]), (mixture, few), (clean, few))
            ]
        if not len(found[0]["scores"]):
            return {}
        self.discriminator.requires_grad_(True)
        loss = self._update({name: torch.cat([part[name] for part in found]) for name in found[0]}, random, step)
        self.discriminator.requires_grad_(False)
        prediction = self.discriminator(features, self.discriminator.features(estimate[audible]))
        means = dict(zip(self.metrics, found[0]["scores"].mean(0)))
        return {"metric": (prediction - 1).square().mean(), "metric_error": loss, **means}

    def _scored(self, clean: Tensor, wav: Tensor) -> dict[str, Tensor]:
        """Features and scores of the items whose metrics are defined."""
        scores = normalized_scores(clean, wav, self.metrics)
        defined = scores.isfinite().all(1)
        features = self.discriminator.features
        return {
            "clean": features(clean[defined]).half(), "estimate": features(wav[defined]).half(),
            "scores": scores[defined],
        }  # fmt: skip

    def _update(self, fresh: dict[str, Tensor], random: np.random.Generator, step: int) -> Tensor:
        """A step on fresh pairs and pairs of the memory; then the fresh ones join the memory."""
        parts = [fresh]
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
