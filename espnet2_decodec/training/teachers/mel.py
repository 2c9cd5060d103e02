"""Log-mel spectrogram as Whisper's, with frames aligned to the codec's, and the teacher made of it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.mel import mel_filterbank
from espnet2_decodec.training.teachers.base import Teacher


class LogMel(nn.Module):
    """Log-mel spectrogram; the default arguments give Whisper's.

    Args:
        n_fft: window length in samples.
        hop: samples from frame to frame.
        bins: number of mel bins.
        center: center of the first frame in samples, half a hop of the codec.
        sample_rate: Hz.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, n_fft: int = 400, hop: int = 160, bins: int = 80, center: int = 160, sample_rate: int = 16000):
        super().__init__()
        self.n_fft, self.hop, self.center = n_fft, hop, center
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", mel_filterbank(sample_rate, n_fft, bins).T.contiguous(), persistent=False)

    def forward(self, wav: Tensor, frames: int) -> Tensor:
        """Compute the spectrogram in float32, limited to 80 dB below its maximum.

        Args:
            wav: ``[B, L]`` float.
            frames: T.

        Returns:
            ``[B, bins, T]``, about -1.5 to 1.5.
        """
        with torch.autocast(wav.device.type, enabled=False):
            left = self.n_fft // 2 - self.center
            right = self.n_fft + (frames - 1) * self.hop - left - wav.shape[-1]
            padded = F.pad(wav, (left, right))
            spectrum = torch.stft(padded, self.n_fft, self.hop, window=self.window, center=False, return_complex=True)
            mel = self.filters @ spectrum.abs().square()
            log = mel.clamp(min=1e-10).log10()
            return (log.maximum(log.amax((1, 2), keepdim=True) - 8) + 4) / 4


class LogMelTeacher(Teacher):
    """80 log-mel bins and their deltas over five frames: a teacher without weights, for any sample rate and hop.

    It contains much less of the content than :class:`WhisperTeacher` (linear phone probe: 53 against 82 %).

    Args:
        sample_rate: Hz.
        hop: samples per frame.
        bins: number of mel bins.
    """

    def __init__(self, sample_rate: int = 16000, hop: int = 320, bins: int = 80):
        network = LogMel(2 * hop, hop, bins, hop // 2, sample_rate)
        super().__init__(f"logmel-{bins}", 2 * bins, network, sample_rate, hop)

    def features(self, wav: Tensor, frames: int) -> Tensor:
        """``[B, L] -> [B, 2 bins, frames]``."""
        mel = self.network(wav, frames)
        context = F.pad(mel, (2, 2), mode="replicate").unfold(2, 5, 1)
        delta = (context * torch.arange(-2.0, 3.0, device=mel.device)).sum(-1) / 10
        return torch.cat([mel, delta], dim=1)
