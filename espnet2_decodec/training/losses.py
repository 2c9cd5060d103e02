"""Reconstruction losses between decoded and target waveforms [P, L]."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.mel import mel_filterbank

COMPRESSION_EXPONENT = 0.3
"""Power law of compressed magnitudes."""


class ReconstructionLoss(nn.Module):
    """The terms `snr`, `waveform`, `stft` and `mel`, after division of both waveforms by the RMS of their mixture.

    So quiet recordings have the weight of loud ones, and silence is a valid target.

    - snr: log10 of error power over target power, with `floor` (relative to the power of the mixture) added to both. It
      makes silence a target, and keeps quiet stems from outweighing all others: at 0.001 nothing else is learned.
    - waveform: mean absolute difference.
    - stft: mean absolute difference of compressed complex spectra and of their magnitudes, over several windows.
    - mel: mean absolute difference of log mel spectra, over several windows, as in DAC (Kumar et al., 2023, arXiv
      2306.06546).

    Decodings without waveform levels are compared by magnitudes alone: by `mel` and the magnitude part of `stft`.

    Args:
        sample_rate: Hz.
        stft_windows: window lengths in samples.
        mel_windows: window lengths in samples.
        floor: of the term `snr`.
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
        reference_rms: Tensor,
        has_waveform: Tensor | None = None,
        synthesized: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Loss terms by name, in float32 also under autocast.

        Args:
            estimate: [P, L].
            target: [P, L].
            reference_rms: [P, 1] RMS of the mixtures.
            has_waveform: [P] bool, which estimates are coded as waveforms and not only as magnitudes; None for all.
            synthesized: [P, L] part of the estimates that is synthesized from magnitudes; None for nothing.
        """
        if has_waveform is None:
            has_waveform = torch.ones(len(estimate), dtype=torch.bool, device=estimate.device)
        coded = estimate if synthesized is None else estimate - synthesized
        with torch.autocast(estimate.device.type, enabled=False):
            estimate, target, coded = (x.float() / reference_rms for x in (estimate, target, coded))
            return self._terms(estimate, target, coded, has_waveform.float())

    def _terms(self, estimate: Tensor, target: Tensor, coded: Tensor, has_waveform: Tensor) -> dict[str, Tensor]:
        stft, mel = [], []
        for size in self.windows:
            spectrum, target_spectrum = self._stft(estimate, size), self._stft(target, size)
            magnitude, target_magnitude = (x.abs().clamp(min=1e-3) for x in (spectrum, target_spectrum))
            if size in self.stft_windows:
                difference = _complex_difference(self._stft(coded, size), target_spectrum, has_waveform)
                stft.append(difference + _magnitude_difference(magnitude, target_magnitude))
            if size in self.mel_windows:
                mel.append(_log_mel_difference(magnitude, target_magnitude, getattr(self, f"mel_{size}")))
        return {
            "snr": _masked_mean(self._snr(coded, target), has_waveform),
            "waveform": _masked_mean((coded - target).abs(), has_waveform),
            "stft": torch.stack(stft).mean(),
            "mel": torch.stack(mel).mean(),
        }

    def _stft(self, wav: Tensor, size: int) -> Tensor:
        """[P, L] -> complex [P, T, F], scaled so that white noise of power 1 has power 1 per bin."""
        frames = nn.functional.pad(wav, (size // 2, size // 2)).unfold(-1, size, size // 4)
        return torch.fft.rfft(frames * (getattr(self, f"window_{size}") / (0.375 * size) ** 0.5))

    def _snr(self, estimate: Tensor, target: Tensor) -> Tensor:
        error = (estimate - target).square().mean(1)
        return torch.log10((error + self.floor) / (target.square().mean(1) + self.floor))


def _complex_difference(estimate: Tensor, target: Tensor, has_waveform: Tensor) -> Tensor:
    """Mean absolute difference of complex spectra with compressed magnitudes."""
    compressed = [
        torch.view_as_real(x) * (x.abs().clamp(min=1e-3) ** (COMPRESSION_EXPONENT - 1))[..., None]
        for x in (estimate, target)
    ]
    return _masked_mean((compressed[0] - compressed[1]).abs(), has_waveform)


def _magnitude_difference(magnitude: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of compressed magnitudes."""
    return (magnitude**COMPRESSION_EXPONENT - target**COMPRESSION_EXPONENT).abs().mean()


def _log_mel_difference(magnitude: Tensor, target: Tensor, filters: Tensor, floor: float = 1e-3) -> Tensor:
    """Mean absolute difference of log10 mel magnitudes."""
    return ((magnitude @ filters).clamp(min=floor).log10() - (target @ filters).clamp(min=floor).log10()).abs().mean()


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of values [P, ...] over the rows where mask [P] is 1."""
    rows = values.flatten(1).mean(1) if values.ndim > 1 else values
    return (rows * mask).sum() / mask.sum().clamp(min=1)
