"""Semantic features of the speech, its linguistic content, for the first level of the speech stream."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.dsp.mel import mel_filterbank
from espnet2_decodec.codec.dsp.overlap_add import frame_signal, mask_frames, moving_sum


class RelativeLogMel(nn.Module):
    """Log-mel spectra relative to their running mean, two for each frame.

    A gain does not change them, and a smooth filter little: the floor is relative to the running mean, too.

    Args:
        n_mels: E.
        hop: samples per frame, even.
        n_fft: window length in samples.
        context: (left, right) frames of the running means.
        floor: of the mel power, relative to its mean over bands and context.
        sample_rate: Hz.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        n_mels: int = 48,
        hop: int = 320,
        n_fft: int = 480,
        context: tuple[int, int] = (100, 40),
        floor: float = 3e-4,
        sample_rate: int = 16000,
    ):
        super().__init__()
        self.hop, self.n_fft, self.context, self.floor = hop, n_fft, context, floor
        self.dim = 2 * n_mels
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", mel_filterbank(sample_rate, n_fft, n_mels), persistent=False)

    def forward(self, wav: Tensor, mask: Tensor | None = None) -> Tensor:
        """Wav [B, T * hop], mask [B, T] of valid frames -> [B, T, 2 * E]."""
        with torch.autocast(wav.device.type, enabled=False):
            spectrum = torch.fft.rfft(
                frame_signal(mask_frames(wav.float(), mask), self.n_fft, self.hop // 2) * self.window
            )
            power = (spectrum.real.square() + spectrum.imag.square()) @ self.filters
            power = power.unflatten(1, (-1, 2))  # [B, T, 2, E]
            valid = torch.ones_like(power[:, :, :1, 0]) if mask is None else mask[..., None].to(power.dtype)
            count = moving_sum(valid, self.context).clamp(min=1)
            local = moving_sum(power.mean((2, 3))[..., None] * valid, self.context) / count
            log = torch.log(power + self.floor * local[..., None] + 1e-9)
            mean = moving_sum(log.mean(2) * valid, self.context) / count
            return 0.5 * (log - mean[:, :, None]).flatten(2)


class SemanticEncoder(nn.Module):
    """Separated speech -> semantic features of norm sqrt(S) per frame.

    It is trained such that a network predicts the features of a teacher on the clean speech from the quantized ones.
    With `mixture_input` it also sees what the separation took away.

    Args:
        dim: S.
        channels, blocks, kernel: of the network, see `ConvNeXtStack`.
        hop: samples per frame, even.
        sample_rate: Hz.
        mixture_input: whether the difference between the spectra of mixture and speech is an input.
    """

    def __init__(
        self,
        dim: int,
        channels: int,
        blocks: int,
        kernel: int,
        hop: int,
        sample_rate: int,
        mixture_input: bool = False,
    ):
        super().__init__()
        self.dim, self.mixture_input = dim, mixture_input
        self.log_mel = RelativeLogMel(hop=hop, n_fft=3 * hop // 2, sample_rate=sample_rate)
        dim_in = self.log_mel.dim * (1 + mixture_input)
        self.network = ConvNeXtStack(dim_in, channels, blocks, dim, kernel, causal=False, norm_in=True)
        frames, (left, right) = blocks * (kernel // 2) + 1, self.log_mel.context
        self.receptive_field = (frames + 2 * left, frames + 2 * right)  # a running mean of logarithms over another one

    def forward(self, wav: Tensor, mask: Tensor | None = None, mixture: Tensor | None = None) -> Tensor:
        """Semantic features.

        Args:
            wav: separated speech [B, T * hop].
            mask: [B, T] of valid frames.
            mixture: what it was separated from [B, T * hop]; None if nothing was.

        Returns:
            [B, T, S] float32.
        """
        log_mel = self.log_mel(wav, mask)
        if mixture is None or not self.mixture_input:
            return self.encode_log_mel(log_mel, mask)
        return self.encode_log_mel(log_mel, mask, self.log_mel(mixture, mask))

    def encode_log_mel(
        self, log_mel: Tensor, mask: Tensor | None = None, mixture_log_mel: Tensor | None = None
    ) -> Tensor:
        """Spectra of `log_mel` of speech and mixture [B, T, E], mask [B, T] of valid frames -> [B, T, S] float32."""
        inputs = log_mel
        if self.mixture_input:
            difference = torch.zeros_like(log_mel) if mixture_log_mel is None else mixture_log_mel - log_mel
            inputs = torch.cat([log_mel, difference], dim=-1)
        features = self.network(inputs, mask).float()
        return features * (features.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
