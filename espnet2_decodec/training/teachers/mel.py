"""Log-mel spectrogram in torch, equal to Whisper's, on frames that match the codec's."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_decodec.training.teachers.base import HOP, SAMPLE_RATE


def hz_to_mel(hz: Tensor) -> Tensor:
    """Slaney's mel scale: linear below 1000 Hz (15 mel), logarithmic above."""
    above = 15 + 27 * torch.log(hz.clamp(min=1000) / 1000) / torch.log(torch.tensor(6.4, dtype=hz.dtype))
    return torch.where(hz < 1000, hz * 3 / 200, above)


def mel_to_hz(mel: Tensor) -> Tensor:
    """The inverse of :func:`hz_to_mel`."""
    above = 1000 * torch.pow(torch.tensor(6.4, dtype=mel.dtype), (mel - 15) / 27)
    return torch.where(mel < 15, mel * 200 / 3, above)


def mel_filters(n_fft: int, bins: int, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Make triangular filters of equal area, from 0 Hz to half the sample rate.

    Args:
        n_fft: length of the Fourier transform in samples.
        bins: number of mel bins.
        sample_rate: Hz.

    Returns:
        ``[bins, n_fft // 2 + 1]`` float32.
    """
    nyquist = torch.tensor(sample_rate / 2, dtype=torch.float64)
    frequencies = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    edges = mel_to_hz(torch.linspace(0, hz_to_mel(nyquist).item(), bins + 2, dtype=torch.float64))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    return (torch.minimum(rising, falling).clamp(min=0) * 2 / (high - low)).float()


class LogMel(nn.Module):
    """Whisper's log-mel spectrogram, shifted so that it falls on the codec's frames.

    Args:
        n_fft: window length in samples.
        hop: samples from frame to frame; frame ``m`` is centred on sample ``160 + m * hop``, and 160 is the
            middle of the codec's first frame.
        bins: number of mel bins.
    """

    def __init__(self, n_fft: int = 400, hop: int = 160, bins: int = 80):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", mel_filters(n_fft, bins), persistent=False)

    def forward(self, wav: Tensor, frames: int) -> Tensor:
        """Compute the spectrogram in float32, 80 dB deep below its loudest value.

        Args:
            wav: ``[B, L]`` float, 16 kHz.
            frames: number of frames wanted.

        Returns:
            ``[B, bins, frames]``, about -1.5 to 1.5.
        """
        with torch.autocast(wav.device.type, enabled=False):
            left = self.n_fft // 2 - HOP // 2
            right = self.n_fft + (frames - 1) * self.hop - left - wav.shape[-1]
            spectrum = torch.stft(
                F.pad(wav, (left, right)),
                self.n_fft,
                self.hop,
                window=self.window,
                center=False,
                return_complex=True,
            )
            mel = self.filters @ spectrum.abs().square()
            log = mel.clamp(min=1e-10).log10()
            return (log.maximum(log.amax((1, 2), keepdim=True) - 8) + 4) / 4
