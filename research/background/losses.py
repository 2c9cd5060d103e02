"""Statistics over time of the bands of a decoded background, beside those of the target."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.mel import mel_filterbank


class StatisticsLoss(nn.Module):
    """Mean absolute differences of what is constant in a noise, in nepers.

    Losses frame by frame are smallest for a decoder that smooths and is too soft where it cannot know. `deviation`
    compares the standard deviations of log-mel bands over time, which tell one kind of noise from another, `level`
    the logarithms of the mean powers of the bands.

    Args:
        n_fft: samples of a window; the hop is half of it.
        n_mels: bands.
        sample_rate: Hz.
        floor: added to magnitudes, for waveforms of RMS 1.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, n_fft: int = 640, n_mels: int = 40, sample_rate: int = 16000, floor: float = 1e-3):
        super().__init__()
        self.n_fft, self.floor = n_fft, floor
        window, filters = torch.hann_window(n_fft), mel_filterbank(sample_rate, n_fft, n_mels)
        self.register_buffer("window", window / window.square().sum().sqrt(), persistent=False)
        self.register_buffer("filters", filters / filters.sum(0).clamp(min=1e-9), persistent=False)

    def forward(self, wav: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Wav and target [B, L] -> both terms."""
        frames = torch.stack([wav, target]).unfold(-1, self.n_fft, self.n_fft // 2) * self.window
        spectrum = torch.fft.rfft(frames)
        magnitudes = (spectrum.real.square() + spectrum.imag.square() + 1e-10).sqrt() @ self.filters
        deviations = torch.log(magnitudes + self.floor).std(dim=2)
        levels = 0.5 * torch.log(magnitudes.square().mean(dim=2) + self.floor**2)
        pairs = {"deviation": deviations, "level": levels}
        return {name: (decoded - original).abs().mean() for name, (decoded, original) in pairs.items()}
