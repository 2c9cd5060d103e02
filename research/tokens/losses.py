"""Reconstruction losses of decoded speech, its waveform part and the target, all divided by the RMS of the target."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.mel import mel_filterbank


class SpeechLosses(nn.Module):
    """The terms `snr`, `complex`, `magnitude` and `mel`.

    snr: log10 of error over target power of the waveform part, `floor` added to both.
    complex: mean absolute difference of compressed complex spectra of the waveform part.
    magnitude: the same of compressed magnitudes of the speech.
    mel: mean absolute difference of log10 mel spectra of the speech.

    Args:
        complex_windows, mel_windows: window lengths; hops are a quarter of them.
        power: to which magnitudes are raised.
        floor: of `snr`, relative to the target's mean power.
    """

    def __init__(
        self,
        complex_windows: tuple[int, ...] = (320, 1024),
        mel_windows: tuple[int, ...] = (256, 512, 1024),
        power: float = 0.3,
        floor: float = 0.03,
        sample_rate: int = 16000,
    ):
        super().__init__()
        self.complex_windows, self.mel_windows = tuple(complex_windows), tuple(mel_windows)
        self.power, self.floor = power, floor
        for size in {*complex_windows, *mel_windows}:
            self.register_buffer(f"window_{size}", torch.hann_window(size) / (0.375 * size) ** 0.5, persistent=False)
        for size in mel_windows:
            bank = mel_filterbank(sample_rate, size, min(80, max(8, size // 16)))
            self.register_buffer(f"mel_{size}", bank / bank.sum(0).clamp(min=1e-9), persistent=False)

    def forward(self, wav: Tensor, waveform_part: Tensor, target: Tensor, turn: int | None = None) -> dict[str, Tensor]:
        """All [B, L], divided by the target's RMS.

        Args:
            wav: decoded speech.
            waveform_part: its part with a phase that follows the input.
            target: clean speech.
            turn: number that selects one window length of each kind; None for all of them.
        """
        complex_windows, mel_windows = self.complex_windows, self.mel_windows
        if turn is not None:
            complex_windows = complex_windows[turn % len(complex_windows) :][:1]
            mel_windows = mel_windows[turn % len(mel_windows) :][:1]
        with torch.autocast(wav.device.type, enabled=False):
            error = (waveform_part - target).square().mean(1)
            terms = {"snr": torch.log10((error + self.floor) / (target.square().mean(1) + self.floor)).mean()}
            complexes, magnitudes, mels = [], [], []
            for size in sorted({*complex_windows, *mel_windows}):
                real, imaginary = self._spectrum(torch.stack([wav, target]), size)
                sizes = (real.square() + imaginary.square() + 1e-6).sqrt()
                if size in complex_windows:
                    complexes.append(self._complex(waveform_part, real[1], imaginary[1], sizes[1], size))
                    one, other = sizes**self.power
                    magnitudes.append((one - other).abs().mean())
                if size in mel_windows:
                    one, other = torch.log10(sizes @ getattr(self, f"mel_{size}") + 1e-3)
                    mels.append((one - other).abs().mean())
            parts = {"complex": complexes, "magnitude": magnitudes, "mel": mels}
            return terms | {name: torch.stack(values).mean() for name, values in parts.items() if values}

    def _complex(self, waveform_part: Tensor, real: Tensor, imaginary: Tensor, size: Tensor, window: int) -> Tensor:
        own = self._spectrum(waveform_part, window)
        scale = (own[0].square() + own[1].square() + 1e-6) ** ((self.power - 1) / 2)
        target_scale = size ** (self.power - 1)
        return ((own[0] * scale - real * target_scale).abs() + (own[1] * scale - imaginary * target_scale).abs()).mean()

    def _spectrum(self, wav: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """[..., L] -> real and imaginary parts [..., T, F]; white noise of power 1 has power 1 per bin."""
        frames = F.pad(wav, (size // 2, size // 2)).unfold(-1, size, size // 4)
        spectrum = torch.fft.rfft(frames * getattr(self, f"window_{size}"))
        return spectrum.real, spectrum.imag
