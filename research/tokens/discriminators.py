"""Small discriminators for training on few cores: STFT bins as channels, and waveforms folded by periods."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Output = tuple[Tensor, list[Tensor]]


class FrameDiscriminator(nn.Module):
    """1-D convolutions over time; channels are the log magnitudes and compressed complex values of one window length.

    Args:
        n_fft: window length; the hop is a quarter of it.
        channels: of every layer.
    """

    def __init__(self, n_fft: int, channels: int):
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        bins = n_fft // 2 + 1
        self.in_proj = nn.Conv1d(3 * bins, channels, 1)
        self.layers = nn.ModuleList(nn.Conv1d(channels, channels, 5, padding=2) for _ in range(3))
        self.out = nn.Conv1d(channels, 1, 3, padding=1)

    def forward(self, wav: Tensor) -> Output:
        """Wav [B, L] of RMS near 1 -> logits [B, 1, T], feature maps."""
        with torch.autocast(wav.device.type, enabled=False):
            frames = F.pad(wav, (self.n_fft // 2,) * 2).unfold(-1, self.n_fft, self.n_fft // 4)
            spectrum = torch.fft.rfft(frames * (self.window / (0.375 * self.n_fft) ** 0.5))
            size = (spectrum.real.square() + spectrum.imag.square() + 1e-5).sqrt()
            scale = size**-0.5
            x = torch.cat([torch.log(size) * 0.5, spectrum.real * scale, spectrum.imag * scale], dim=-1)
        x, features = self.in_proj(x.transpose(1, 2)), []
        for layer in self.layers:
            x = layer(F.leaky_relu(x, 0.1))
            features.append(x)
        return self.out(F.leaky_relu(x, 0.1)), features


class PeriodDiscriminator(nn.Module):
    """Strided 1-D convolutions along every `period`-th sample (HiFi-GAN, arXiv 2010.05646), narrow."""

    def __init__(self, period: int, channels: tuple[int, ...]):
        super().__init__()
        self.period = period
        sizes = (1, *channels)
        self.layers = nn.ModuleList(nn.Conv1d(a, b, 5, stride=3, padding=2) for a, b in zip(sizes, sizes[1:]))
        self.out = nn.Conv1d(channels[-1], 1, 3, padding=1)

    def forward(self, wav: Tensor) -> Output:
        """Wav [B, L] -> logits [B, 1, M], feature maps; the phases of the period lie in the batch."""
        size = wav.shape[1] // self.period * self.period
        x = wav[:, :size].unflatten(1, (-1, self.period)).transpose(1, 2).flatten(0, 1)[:, None]
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.out(x), features


class Discriminators(nn.Module):
    """All of them side by side.

    Args:
        windows, channels: of the :class:`FrameDiscriminator`s.
        periods, period_channels: of the :class:`PeriodDiscriminator`s.
    """

    def __init__(
        self,
        windows: tuple[int, ...] = (256, 512, 1024, 2048),
        channels: int = 96,
        periods: tuple[int, ...] = (2, 3, 5, 7, 11),
        period_channels: tuple[int, ...] = (16, 32, 64, 96),
    ):
        super().__init__()
        self.parts = nn.ModuleList(
            [
                *(FrameDiscriminator(n_fft, channels) for n_fft in windows),
                *(PeriodDiscriminator(period, period_channels) for period in periods),
            ]
        )

    def forward(self, wav: Tensor, chosen: list[int] | None = None) -> list[Output]:
        """Wav [B, L] -> logits and feature maps of every part, or of those that are chosen."""
        return [self.parts[i](wav) for i in (range(len(self.parts)) if chosen is None else chosen)]


def discriminator_loss(outputs: list[Output]) -> Tensor:
    """Hinge loss; the first half of the batch is real, the second decoded."""
    losses = []
    for logits, _ in outputs:
        real, fake = logits.float().chunk(2)
        losses.append(F.relu(1 - real).mean() + F.relu(1 + fake).mean())
    return torch.stack(losses).mean()


def generator_losses(outputs: list[Output]) -> tuple[Tensor, Tensor]:
    """Adversarial and relative feature matching loss; the batch as in `discriminator_loss`."""
    adversarial, matching = [], []
    for logits, features in outputs:
        adversarial.append(-logits.float().chunk(2)[1].mean())
        for x in features:
            real, fake = x.float().chunk(2)
            real = real.detach()
            matching.append((fake - real).abs().mean() / real.abs().mean().clamp(min=1e-4))
    return torch.stack(adversarial).mean(), torch.stack(matching).mean()
