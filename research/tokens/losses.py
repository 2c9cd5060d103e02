"""Reconstruction losses of decoded speech and the target, both divided by the RMS of the target."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.mel import mel_filterbank

CODED_HZ = 2400.0
"""Frequency up to which the waveform levels code the waveform."""


class SpeechLosses(nn.Module):
    """The terms `complex`, `magnitude` and `mel`, by one window length of each kind in a step.

    complex: mean absolute difference of compressed complex spectra below 2.4 kHz, of items with waveform levels.
    magnitude: the same of compressed magnitudes at all frequencies, of all items.
    mel: mean absolute difference of log10 mel spectra.

    Args:
        windows: lengths of the windows of the first two.
        mel_windows: of the last one; hops are a quarter of them.
        power: to which magnitudes are raised.
    """

    def __init__(
        self,
        windows: tuple[int, ...] = (320, 1024),
        mel_windows: tuple[int, ...] = (256, 512, 1024, 2048),
        power: float = 0.3,
        sample_rate: int = 16000,
    ):
        super().__init__()
        self.windows, self.mel_windows, self.power = tuple(windows), tuple(mel_windows), power
        self.coded_share = 2 * CODED_HZ / sample_rate
        for size in {*windows, *mel_windows}:
            self.register_buffer(f"window_{size}", torch.hann_window(size) / (0.375 * size) ** 0.5, persistent=False)
        for size in mel_windows:
            bank = mel_filterbank(sample_rate, size, min(96, max(8, size // 12)))
            self.register_buffer(f"mel_{size}", bank / bank.sum(0).clamp(min=1e-9), persistent=False)

    def forward(self, wav: Tensor, target: Tensor, has_waveform: Tensor, turn: int) -> dict[str, Tensor]:
        """All terms.

        Args:
            wav: [B, L].
            target: [B, L].
            has_waveform: [B], 1 for items with waveform levels, 0 for others.
            turn: number that selects the window lengths.
        """
        with torch.autocast(wav.device.type, enabled=False):
            size = self.windows[turn % len(self.windows)]
            real, imag, magnitude = self._spectra(wav, target, size)
            one, other = magnitude**self.power
            scale = magnitude ** (self.power - 1)
            bins = int(self.coded_share * size / 2)
            error = sum(((x * scale)[0] - (x * scale)[1])[..., :bins].abs().mean((1, 2)) for x in (real, imag))
            terms = {
                "complex": (error * has_waveform).sum() / has_waveform.sum().clamp(min=1),
                "magnitude": (one - other).abs().mean(),
            }
            size = self.mel_windows[turn % len(self.mel_windows)]
            _, _, magnitude = self._spectra(wav, target, size)
            one, other = torch.log10(magnitude @ getattr(self, f"mel_{size}") + 1e-3)
            return terms | {"mel": (one - other).abs().mean()}

    def _spectra(self, wav: Tensor, target: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Real parts, imaginary parts and magnitudes of both, [2, B, T, F]; white noise of power 1 has about 1."""
        frames = F.pad(torch.stack([wav, target]), (size // 2, size // 2)).unfold(-1, size, size // 4)
        spectrum = torch.fft.rfft(frames * getattr(self, f"window_{size}"))
        real, imag = spectrum.real, spectrum.imag
        return real, imag, (real.square() + imag.square() + 1e-6).sqrt()
