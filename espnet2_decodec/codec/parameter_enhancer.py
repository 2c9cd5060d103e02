"""Enhancement of decoded parameters of the speech: mel envelope, f0 and voicing."""


from typing import NamedTuple

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.dsp.pitch import PitchEstimator


class EnhancedParameters(NamedTuple):
    """Estimates for a batch, continuous also where a frame is unvoiced.

    Attributes:
        envelope: [B, T, E] coordinates of the mel envelope, 0 or more.
        log_f0: [B, T, 1], coordinate of f0.
        voicing: [B, T, 1], coordinate of the voicing.
        voiced: [B, T, 1], logit of the probability that a frame is voiced.
    """

    envelope: Tensor
    log_f0: Tensor
    voicing: Tensor
    voiced: Tensor

    def coordinates(self) -> Tensor:
        """[B, T, E + 2], with log f0 and voicing zero in unvoiced frames."""
        return torch.cat([self.envelope, torch.cat([self.log_f0, self.voicing], dim=-1) * (self.voiced > 0)], dim=-1)


class ParameterEnhancer(nn.Module):
    """Estimates the parameters of the clean speech from the decoded ones of a frame and its neighbors.

    Quantization, and what remains of a noise after the separation, change the envelope of each frame by several dB,
    from which decoded speech loses most of the words that it loses. The errors of neighboring frames differ, and what
    the levels after the parameters have decoded tells about the envelope, too. Untrained it passes the parameters unchanged.

    Args:
        n_mels: E, coordinates of the envelope.
        semantic_dim: S.
        mel_scale: envelope coordinate of one neper.
        channels, blocks, kernel: of the network, see `ConvNeXtStack`.
    """

    outputs = 4
    """Values of a frame beside the envelope: logit of voicing, change of f0, the weight of that, change of voicing."""

    default_voicing, min_voicing = 0.7, PitchEstimator.voicing_threshold

    def __init__(self, n_mels: int, semantic_dim: int, mel_scale: float, channels: int, blocks: int, kernel: int = 7):
        super().__init__()
        self.n_mels, self.mel_scale = n_mels, mel_scale
        frames = blocks * (kernel // 2)
        self.receptive_field = (frames, frames)
        inputs = 2 * n_mels + 2 + semantic_dim
        self.network = ConvNeXtStack(inputs, channels, blocks, n_mels + self.outputs, kernel, causal=False, norm_in=True)
        nn.init.zeros_(self.network.out_proj.weight)
        nn.init.zeros_(self.network.out_proj.bias)

    def forward(self, parameters: Tensor, bands: Tensor, semantic: Tensor, mask: Tensor | None = None) -> Tensor:
        """Enhanced parameters [B, T, E + 2]; arguments as for `estimate`."""
        return self.estimate(parameters, bands, semantic, mask).coordinates()

    def estimate(
        self, parameters: Tensor, bands: Tensor, semantic: Tensor, mask: Tensor | None = None
    ) -> EnhancedParameters:
        """Estimate the parameters of the clean speech.

        Args:
            parameters: decoded mel envelope, log f0 and voicing [B, T, E + 2].
            bands: mel envelope of the decoded MDCT bands [B, T, E].
            semantic: decoded semantic features [B, T, S].
            mask: [B, T] of valid frames.
        """
        outputs = self.network(self.features(parameters, bands, semantic), mask).float()
        return self.combine(parameters, outputs)

    def features(self, parameters: Tensor, bands: Tensor, semantic: Tensor) -> Tensor:
        """Input of the network [B, T, 2 E + 2 + S]; arguments as for `estimate`."""
        envelope, pitch = parameters[..., : self.n_mels], parameters[..., self.n_mels :]
        scale = 0.5 / self.mel_scale
        return torch.cat([scale * envelope, scale * bands, 5 * pitch, semantic], dim=-1)

    def combine(self, parameters: Tensor, outputs: Tensor) -> EnhancedParameters:
        """Decoded parameters [B, T, E + 2] and outputs of the network [B, T, E + 4] -> estimates."""
        envelope, log_f0, voicing = parameters.split([self.n_mels, 1, 1], dim=-1)
        change, logit, f0_change, weight, voicing_change = outputs.split([self.n_mels, 1, 1, 1, 1], dim=-1)
        voiced = (voicing > 0).to(voicing.dtype)
        # Most changes of f0 are small; unvoiced frames have none that could be changed.
        share = 1 - voiced * torch.sigmoid(3 - weight)
        default = self.default_voicing * (1 - voiced) + voicing / PitchEstimator.voicing_scale
        voicing = (default + 0.3 * torch.tanh(voicing_change)).clamp(self.min_voicing, 1)
        return EnhancedParameters(
            (envelope + self.mel_scale * change).clamp(min=0),
            log_f0 + share * f0_change,
            PitchEstimator.voicing_scale * voicing,
            logit + 4 * voiced - 2,
        )
