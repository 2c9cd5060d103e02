"""Losses of separated stems, all relative to the level of the mixture."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.mel import mel_filterbank


class StemLosses(nn.Module):
    """The terms `snr`, `complex`, `magnitude` and `mel` of speech and background.

    snr: log10 of the error over the power, with a floor `floor` relative to the mixture.
    complex, magnitude: mean absolute differences of compressed spectra, at one window length in a step.
    mel: mean absolute difference of log10 mel spectra, with the same floor.

    Args:
        windows: lengths of the windows; hops are a quarter of them.
        power: to which magnitudes are raised.
        floor: of the errors' power.
        missing: weight of magnitudes that are too small, over that of those that are too large; of the speech.
    """

    def __init__(
        self,
        windows: tuple[int, ...] = (256, 512, 1024),
        power: float = 0.3,
        floor: float = 0.02,
        missing: float = 1.5,
    ):
        super().__init__()
        self.windows, self.power, self.floor, self.missing = windows, power, floor, missing
        for size in windows:
            self.register_buffer(f"window_{size}", torch.hann_window(size) / (0.375 * size) ** 0.5, persistent=False)
            bank = mel_filterbank(16000, size, min(64, size // 10))
            self.register_buffer(f"mel_{size}", bank / bank.sum(0).clamp(min=1e-9), persistent=False)

    def forward(self, stems: Tensor, targets: Tensor, step: int) -> dict[str, Tensor]:
        """All terms.

        Args:
            stems: speech and background [B, 2, L].
            targets: [B, 2, L].
            step: number of the training step, which selects the window length.
        """
        rms = targets.sum(1).square().mean(1).sqrt().clamp(min=1e-4)[:, None, None]
        stems, targets = stems / rms, targets / rms
        error, power = (stems - targets).square().mean(2), targets.square().mean(2)
        snr = torch.log10((error + self.floor) / (power + self.floor)).mean(0)
        size = self.windows[step % len(self.windows)]
        window = getattr(self, f"window_{size}")
        frames = F.pad(torch.stack([stems, targets]), (size // 2, size // 2)).unfold(-1, size, size // 4)
        spectrum = torch.fft.rfft(frames * window)
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-6).sqrt()
        scale = magnitude ** (self.power - 1)
        one, other = magnitude**self.power
        weight = torch.ones_like(one)
        weight[:, 0] = torch.where(one[:, 0] < other[:, 0], self.missing, 1.0)
        real, imag = spectrum.real * scale, spectrum.imag * scale
        complex_error = ((real[0] - real[1]).abs() + (imag[0] - imag[1]).abs()).mean((0, 2, 3))
        mel = torch.log10(magnitude @ getattr(self, f"mel_{size}") + 2e-3)
        return {
            "snr": snr @ snr.new_tensor([1.0, 0.5]),
            "complex": complex_error @ snr.new_tensor([1.0, 0.4]),
            "magnitude": (weight * (one - other).abs()).mean((0, 2, 3)) @ snr.new_tensor([1.0, 0.4]),
            "mel": (mel[0] - mel[1]).abs().mean((0, 2, 3)) @ snr.new_tensor([1.0, 0.4]),
        }
