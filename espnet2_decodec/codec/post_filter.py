"""Neural post-filter of decoded speech."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.dsp.stft import SubframeSTFT, power_spectrum


class PostFilter(nn.Module):
    """A complex gain and an additive part for each bin of the STFT of decoded speech, from it and its tokens.

    The additive part is relative to the local magnitude. Untrained it passes the speech nearly unchanged.

    Args:
        dim: D, number of dequantized coordinates of a frame.
        semantic_dim: S.
        hop: samples per frame.
        channels, blocks, kernel: of the network, see `ConvNeXtStack`.
    """

    smoothing, floor = 9, 1e-4
    """Bins over which the local magnitude is averaged, and what is added to it in frames with speech."""

    def __init__(self, dim: int, semantic_dim: int, hop: int, channels: int, blocks: int, kernel: int = 7):
        super().__init__()
        self.stft = SubframeSTFT(hop, n_fft=2 * hop)
        size = self.stft.feature_dim
        self.network = ConvNeXtStack(size + dim + semantic_dim, channels, blocks, 2 * size, kernel, causal=False)
        nn.init.normal_(self.network.out_proj.weight, std=1e-4)
        nn.init.zeros_(self.network.out_proj.bias)
        frames = blocks * (kernel // 2) + 2 * self.stft.context
        self.receptive_field = (frames, frames)

    def forward(self, wav: Tensor, coordinates: Tensor, semantic: Tensor, mask: Tensor | None = None) -> Tensor:
        """Decoded speech and what it was decoded from -> filtered speech.

        Args:
            wav: [B, T * hop].
            coordinates: [B, T, D], of a variance near 1.
            semantic: embeddings of the semantic tokens [B, T, S]; zeros in frames without speech tokens.
            mask: [B, T] of valid frames.
        """
        spectrum = self.stft.spectrum(wav, mask)
        power = power_spectrum(spectrum)
        features = torch.cat([2 * self.stft.features(spectrum, power), coordinates, semantic], dim=-1)
        outputs = self.network(features, mask).float().unflatten(-1, (self.stft.subframes, 4, self.stft.bins))
        gain_real, gain_imag, add_real, add_imag = outputs.flatten(1, 2).unbind(2)
        magnitude = self._local_magnitude((power + 1e-20).sqrt())  # with a finite gradient at 0
        coded = (semantic.abs().amax(-1) > 0).repeat_interleave(self.stft.subframes, dim=1)
        magnitude = magnitude + self.floor * coded[..., None].to(magnitude.dtype)
        gain_real = 1 + gain_real
        filtered = torch.complex(
            spectrum.real * gain_real - spectrum.imag * gain_imag + magnitude * add_real,
            spectrum.real * gain_imag + spectrum.imag * gain_real + magnitude * add_imag,
        )
        return self.stft.waveform(filtered, mask)

    def _local_magnitude(self, magnitude: Tensor) -> Tensor:
        """Mean over `smoothing` bins [..., F]; a sum of shifted magnitudes, three times as fast as `avg_pool1d`."""
        half, bins = self.smoothing // 2, magnitude.shape[-1]
        padded = F.pad(magnitude, (half, half), mode="replicate")
        total = padded[..., :bins] + padded[..., 1 : 1 + bins]
        for i in range(2, self.smoothing):
            total = total + padded[..., i : i + bins]
        return total / self.smoothing
