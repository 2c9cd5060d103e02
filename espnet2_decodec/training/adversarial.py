"""Discriminator and losses of adversarial training.

The losses are least squares (Mao et al., 2017, arXiv 1611.04076) and feature matching.

The discriminator has the form of EnCodec's MS-STFT discriminator (Defossez et al., 2022, arXiv 2210.13438, section
3.4), with fewer channels, of a size that suits small generators.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

DiscriminatorOutput = list[tuple[Tensor, list[Tensor]]]
"""Logits and feature maps of every scale."""


class STFTDiscriminator(nn.Module):
    """2-D convolutions over the complex STFT with one window length.

    Args:
        n_fft: window length in samples.
        channels: C of every layer.
    """

    window: Tensor

    def __init__(self, n_fft: int, channels: int):
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        layers = [weight_norm(nn.Conv2d(2, channels, (3, 9), padding=(1, 4)))]
        for dilation in (1, 2, 4):
            layers.append(
                weight_norm(
                    nn.Conv2d(channels, channels, (3, 9), stride=(1, 2), dilation=(dilation, 1), padding=(dilation, 4))
                )
            )
        layers.append(weight_norm(nn.Conv2d(channels, channels, (3, 3), padding=(1, 1))))
        self.layers = nn.ModuleList(layers)
        self.conv_post = weight_norm(nn.Conv2d(channels, 1, (3, 3), padding=(1, 1)))

    def forward(self, wav: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Wav [B, L] -> logits [B, 1, T, F'], feature maps of all layers."""
        spectrum = torch.stft(wav, self.n_fft, self.n_fft // 4, window=self.window, return_complex=True)
        x = torch.view_as_real(spectrum / self.n_fft**0.5).permute(0, 3, 2, 1)
        features = []
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.conv_post(x), features


class MultiScaleDiscriminator(nn.Module):
    """Discriminators with several window lengths.

    Args:
        windows: lengths in samples.
        channels: C of every layer.
    """

    def __init__(self, windows: tuple[int, ...] = (1024, 512, 256), channels: int = 16):
        super().__init__()
        self.windows, self.channels = tuple(windows), channels
        self.scales = nn.ModuleList(STFTDiscriminator(n_fft, channels) for n_fft in windows)

    def __reduce__(self):
        """Pickle the arguments and the weights: torch does not pickle modules with weight normalization."""
        return _rebuild, (self.windows, self.channels, self.training, self.state_dict())

    def forward(self, wav: Tensor) -> DiscriminatorOutput:
        """Wav [B, L] -> logits and feature maps of every scale."""
        return [scale(wav) for scale in self.scales]


def _rebuild(windows: tuple[int, ...], channels: int, training: bool, weights: dict[str, Tensor]) -> nn.Module:
    """A pickled `MultiScaleDiscriminator`."""
    discriminator = MultiScaleDiscriminator(windows, channels).train(training)
    discriminator.load_state_dict(weights)
    return discriminator.to(next(iter(weights.values())).device)


def discriminator_loss(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Mean over scales of (D(real) - 1)^2 + D(fake)^2, given the logits of every scale."""
    return torch.stack([(r - 1).square().mean() + f.square().mean() for r, f in zip(real, fake)]).mean()


def generator_loss(fake: list[Tensor]) -> Tensor:
    """Mean over scales of (D(fake) - 1)^2, given the logits of every scale."""
    return torch.stack([(f - 1).square().mean() for f in fake]).mean()


def feature_matching_loss(real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Tensor:
    """Mean absolute difference of feature maps, relative to the mean magnitude of the real ones."""
    differences = [
        (r.detach() - f).abs().mean() / r.detach().abs().mean().clamp(min=1e-6)
        for (_, reals), (_, fakes) in zip(real, fake)
        for r, f in zip(reals, fakes)
    ]
    return torch.stack(differences).mean()
