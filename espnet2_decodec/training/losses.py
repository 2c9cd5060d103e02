"""What a decoded waveform is compared by. Every term maps (estimate, target) [P, L] to a scalar.

Both are divided by the loudness of their mixture first, so quiet recordings count as much as loud ones, and
a silent target is a target like any other.
"""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.mel import mel_filterbank

POWER = 0.3
"""To which magnitudes are raised where they are compared compressed."""


class Reconstruction(nn.Module):
    """The terms `snr`, `waveform`, `stft` and `mel` in one dict.

    snr: error over target power in 10 dB, with `floor` (relative to the mixture's power) added to both. It makes
        silence a target, and keeps quiet stems from outweighing all others: at 0.001 nothing else is learned.
    waveform: mean absolute difference.
    stft: mean absolute difference of compressed complex spectra and of their magnitudes, over several windows.
    mel: mean absolute difference of log mel spectra, over several windows, as in DAC (Kumar et al., 2023).

    What was decoded as a vocoder does, without its waveform, is compared by magnitudes alone: by `mel` and by that part of
    `stft`.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        stft_windows: tuple[int, ...] = (256, 1024),
        mel_windows: tuple[int, ...] = (256, 512, 1024),
        floor: float = 0.1,
    ):
        super().__init__()
        self.floor = floor
        self.stft_windows, self.mel_windows = tuple(stft_windows), tuple(mel_windows)
        self.windows = sorted({*stft_windows, *mel_windows})
        for size in self.windows:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)
        for size in mel_windows:
            bands = min(80, max(8, size // 16))
            self.register_buffer(f"mel_{size}", mel_filterbank(sample_rate, size, bands), persistent=False)

    def forward(
        self,
        estimate: Tensor,
        target: Tensor,
        loudness: Tensor,
        phased: Tensor | None = None,
        made_up: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Named scalars, in float32 also under autocast.

        Args:
            estimate, target: [P, L].
            loudness: [P, 1].
            phased: [P] bool, which of them are waveforms, and not only magnitudes; None for all.
            made_up: [P, L] part of the estimate that is none in any of them; None for nothing.
        """
        if phased is None:
            phased = torch.ones(len(estimate), dtype=torch.bool, device=estimate.device)
        with torch.autocast(estimate.device.type, enabled=False):
            scaled = [
                x.float() / loudness for x in (estimate, target, estimate if made_up is None else estimate - made_up)
            ]
            return self._terms(*scaled, phased.float())

    def _terms(self, estimate: Tensor, target: Tensor, waveform: Tensor, phased: Tensor) -> dict[str, Tensor]:
        stft, mel = [], []
        for size in self.windows:
            pair = self._spectrum(estimate, size), self._spectrum(target, size)
            sizes = tuple(x.abs().clamp(min=1e-3) for x in pair)
            if size in self.stft_windows:
                stft.append(self._compressed(self._spectrum(waveform, size), pair[1], phased) + _mean_gap(*sizes))
            if size in self.mel_windows:
                mel.append(self._log_mel(*sizes, getattr(self, f"mel_{size}")))
        return {
            "snr": _mean(self._snr(waveform, target), phased),
            "waveform": _mean((waveform - target).abs(), phased),
            "stft": torch.stack(stft).mean(),
            "mel": torch.stack(mel).mean(),
        }

    def _spectrum(self, wav: Tensor, size: int) -> Tensor:
        """[P, L] -> complex [P, T, F], scaled so that white noise of power 1 has power 1 per bin."""
        frames = nn.functional.pad(wav, (size // 2, size // 2)).unfold(-1, size, size // 4)
        return torch.fft.rfft(frames * (getattr(self, f"window_{size}") / (0.375 * size) ** 0.5))

    def _snr(self, estimate: Tensor, target: Tensor) -> Tensor:
        error = (estimate - target).square().mean(1)
        return torch.log10((error + self.floor) / (target.square().mean(1) + self.floor))

    @staticmethod
    def _compressed(estimate: Tensor, target: Tensor, phased: Tensor) -> Tensor:
        """Mean absolute difference of complex spectra whose magnitudes are compressed."""
        gains = (x.abs().clamp(min=1e-3) ** (POWER - 1) for x in (estimate, target))
        one, other = (torch.view_as_real(x) * gain[..., None] for x, gain in zip((estimate, target), gains))
        return _mean((one - other).abs(), phased)

    @staticmethod
    def _log_mel(size: Tensor, wanted: Tensor, bank: Tensor, floor: float = 1e-3) -> Tensor:
        return ((size @ bank).clamp(min=floor).log10() - (wanted @ bank).clamp(min=floor).log10()).abs().mean()


def _mean_gap(size: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of compressed magnitudes."""
    return (size**POWER - wanted**POWER).abs().mean()


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of values [P, ...] over the rows that are chosen [P], 1 or 0."""
    rows = values.flatten(1).mean(1) if values.ndim > 1 else values
    return (rows * chosen).sum() / chosen.sum().clamp(min=1)
