"""A small multi-scale complex STFT discriminator, of a size that fits small generators.

The form is that of EnCodec's MS-STFT discriminator (Defossez et al., 2022, arXiv 2210.13438, section 3.4), narrower.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


class STFTDiscriminator(nn.Module):
    """2-D convolutions over the complex spectrum of one window length."""

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
        self.judge = weight_norm(nn.Conv2d(channels, 1, (3, 3), padding=(1, 1)))

    def forward(self, wav: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Wav [B, L] -> logits [B, 1, T, F'], feature maps of all layers."""
        spectrum = torch.stft(wav, self.n_fft, self.n_fft // 4, window=self.window, return_complex=True)
        x = torch.view_as_real(spectrum / self.n_fft**0.5).permute(0, 3, 2, 1)
        features = []
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.judge(x), features


class MultiScaleDiscriminator(nn.Module):
    """Several window lengths side by side.

    Args:
        windows: lengths in samples.
        channels: C of every layer.
    """

    def __init__(self, windows: tuple[int, ...] = (1024, 512, 256), channels: int = 16):
        super().__init__()
        self.scales = nn.ModuleList(STFTDiscriminator(n_fft, channels) for n_fft in windows)

    def forward(self, wav: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """Wav [B, L] -> logits and feature maps of every scale."""
        return [scale(wav) for scale in self.scales]
