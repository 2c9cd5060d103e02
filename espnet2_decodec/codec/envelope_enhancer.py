"""Enhancement of the decoded mel envelope of the speech."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack


class EnvelopeEnhancer(nn.Module):
    """Estimates the mel envelope of the clean speech from what was decoded of a frame and its neighbors.

    Quantization, and what remains of a noise after the separation, change the envelope of each frame by several dB. The
    errors of neighboring frames differ, and what the levels after the parameters have decoded tells about the envelope,
    too. Untrained it passes the envelope unchanged.

    Args:
        n_mels: E, coordinates of the envelope.
        semantic_dim: S.
        mel_scale: envelope coordinate of one neper.
        channels, blocks, kernel: of the network, see `ConvNeXtStack`.
    """

    def __init__(self, n_mels: int, semantic_dim: int, mel_scale: float, channels: int, blocks: int, kernel: int = 7):
        super().__init__()
        self.n_mels, self.mel_scale = n_mels, mel_scale
        frames = blocks * (kernel // 2)
        self.receptive_field = (frames, frames)
        inputs = 2 * n_mels + 2 + semantic_dim
        self.network = ConvNeXtStack(inputs, channels, blocks, n_mels, kernel, causal=False, norm_in=True)
        nn.init.zeros_(self.network.out_proj.weight)
        nn.init.zeros_(self.network.out_proj.bias)

    def forward(self, parameters: Tensor, bands: Tensor, semantic: Tensor, mask: Tensor | None = None) -> Tensor:
        """Enhanced envelope [B, T, E].

        Args:
            parameters: decoded mel envelope, log f0 and voicing [B, T, E + 2].
            bands: mel envelope of the decoded MDCT bands [B, T, E].
            semantic: decoded semantic features [B, T, S].
            mask: [B, T] of valid frames.
        """
        return self.add(parameters, self.network(self.features(parameters, bands, semantic), mask))

    def features(self, parameters: Tensor, bands: Tensor, semantic: Tensor) -> Tensor:
        """Input of the network [B, T, 2 E + 2 + S]; arguments as for `forward`."""
        envelope, pitch = parameters[..., : self.n_mels], parameters[..., self.n_mels :]
        scale = 0.5 / self.mel_scale
        return torch.cat([scale * envelope, scale * bands, 5 * pitch, semantic], dim=-1)

    def add(self, parameters: Tensor, change: Tensor) -> Tensor:
        """Decoded parameters [B, T, E + 2], change of the envelope in nepers [B, T, E] -> envelope [B, T, E]."""
        return parameters[..., : self.n_mels] + self.mel_scale * change.float()
