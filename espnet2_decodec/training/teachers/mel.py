"""Log-mel spectrogram in torch, equal to Whisper's, on frames that match the codec's."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.mel import mel_filterbank
from espnet2_decodec.training.teachers.base import HOP, SAMPLE_RATE


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
        self.register_buffer("filters", mel_filterbank(SAMPLE_RATE, n_fft, bins).T.contiguous(), persistent=False)

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
