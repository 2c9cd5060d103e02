"""What a decoded waveform is compared by. Every term maps (estimate, target) [P, L] to a scalar.

Both are divided by the loudness of their mixture first, so quiet recordings count as much as loud ones, and
a silent target is a target like any other.
"""

import torch
from torch import Tensor, nn

from espnet2_decodec.mel import mel_filterbank


class Reconstruction(nn.Module):
    """The terms `snr`, `waveform`, `stft` and `mel` in one dict.

    snr: error over target power in 10 dB, with a floor 30 dB under the mixture (so silence works).
    waveform: mean absolute difference.
    stft: mean absolute difference of compressed complex spectra and of their magnitudes, over several windows.
    mel: mean absolute difference of log mel spectra, over several windows, as in DAC (Kumar et al., 2023).
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        stft_windows: tuple[int, ...] = (256, 512, 1024),
        mel_windows: tuple[int, ...] = (128, 256, 512, 1024, 2048),
    ):
        super().__init__()
        self.stft_windows, self.mel_windows = stft_windows, mel_windows
        for size in sorted({*stft_windows, *mel_windows}):
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)
        for size in mel_windows:
            bands = min(80, max(8, size // 16))
            self.register_buffer(f"mel_{size}", mel_filterbank(sample_rate, size, bands), persistent=False)

    def forward(self, estimate: Tensor, target: Tensor, loudness: Tensor) -> dict[str, Tensor]:
        """estimate, target [P, L], loudness [P, 1] -> named scalars, in float32 also under autocast."""
        with torch.autocast(estimate.device.type, enabled=False):
            return self._terms(estimate.float() / loudness, target.float() / loudness)

    def _terms(self, estimate: Tensor, target: Tensor) -> dict[str, Tensor]:
        spectra = {
            size: (self._spectrum(estimate, size), self._spectrum(target, size))
            for size in {*self.stft_windows, *self.mel_windows}
        }
        return {
            "snr": self._snr(estimate, target),
            "waveform": (estimate - target).abs().mean(),
            "stft": torch.stack([self._compressed(*spectra[size]) for size in self.stft_windows]).mean(),
            "mel": torch.stack([self._log_mel(*spectra[size], size) for size in self.mel_windows]).mean(),
        }

    def _spectrum(self, wav: Tensor, size: int) -> Tensor:
        """[P, L] -> complex [P, F, T], scaled so that white noise of power 1 has power 1 per bin."""
        window = getattr(self, f"window_{size}")
        pad = size // 2
        wav = nn.functional.pad(wav, (pad, pad))
        return torch.stft(wav, size, size // 4, window=window, center=False, return_complex=True) / (0.375 * size) ** 0.5

    @staticmethod
    def _snr(estimate: Tensor, target: Tensor, floor: float = 1e-3) -> Tensor:
        error = (estimate - target).square().mean(1)
        return torch.log10((error + floor) / (target.square().mean(1) + floor)).mean()

    @staticmethod
    def _compressed(estimate: Tensor, target: Tensor, power: float = 0.3) -> Tensor:
        size, wanted = (estimate.abs().clamp(min=1e-3), target.abs().clamp(min=1e-3))
        gap = estimate * size ** (power - 1) - target * wanted ** (power - 1)
        return (gap.abs() + 1e-6).mean() + (size**power - wanted**power).abs().mean()

    def _log_mel(self, estimate: Tensor, target: Tensor, size: int, floor: float = 1e-3) -> Tensor:
        bank = getattr(self, f"mel_{size}").to(estimate.device)
        estimate, target = ((x.abs().transpose(1, 2) @ bank).clamp(min=floor).log10() for x in (estimate, target))
        return (estimate - target).abs().mean()
