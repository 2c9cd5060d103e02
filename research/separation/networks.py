"""Networks that are compared for the separation, all with the STFT of the MDCT backbone."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.deep_filter import BandBlock, BandSplitDeepFilter
from espnet2_decodec.codec.serialization import save_model

KIND = "espnet2_decodec.separation_network"
"""Kind of the model in its config.json."""


class OneStageFilter(BandSplitDeepFilter):
    """A complex mask and a deep filter of the mixture in one stage, as in DeepFilterNet (arXiv 2110.05588).

    The inputs are normalized as those of the first stage of the backbone, and the mask is bounded as its mask. In
    `forward`, `speech` is half of the mixture, and `level` [B, T, 1 + F] has the mean of each bin behind that of all.

    Args:
        bins: F of the STFT.
        context_dim: H, number of features of the whole spectrum.
        channels: C.
        blocks: modules of x [B, T, K, C] and a mask, such as `BandBlock`.
    """

    def __init__(self, bins: int, context_dim: int, channels: int, blocks: Sequence[nn.Module]):
        super().__init__(bins, context_dim, channels, 0)
        self.blocks = nn.ModuleList(blocks)

    def _features(self, spectra: Sequence[Sequence[Tensor]], level: Tensor) -> Tensor:
        """Those of the base class, of the first spectrum relative to the mean of all bins, of the second to its own."""
        mixture, half = spectra
        parts = super()._features([mixture], level[..., :1]), super()._features([half], level[..., 1:-1])
        return torch.cat(parts, dim=-2)

    def _project(self, x: Tensor) -> Tensor:
        """[B, T, K, C] -> [B, T, 8, F]; the gain of half the mixture makes a mask of sigmoid and hyperbolic tangent."""
        real, imag, taps = super()._project(x).split((1, 1, self.outputs - 2), dim=-2)
        return torch.cat([torch.tanh(0.5 * real), 2 * torch.tanh(imag), taps], dim=-2)


class RecurrentBlock(nn.Module):
    """A recurrent layer over the bands of a frame, then one over the frames of a band; residual blocks.

    As in the dual-path RNN (Luo et al., 2020, arXiv 1910.06379) and BSRNN (Luo and Yu, 2023, arXiv 2209.15174). On a
    CPU, LSTMs take a third of the time of GRUs of the same size without gradients, and as long with them.

    Args:
        channels: C.
        forward_only: the layer over time has no look-ahead, but that of a convolution over 7 frames before it.
    """

    kernel = 7

    def __init__(self, channels: int, forward_only: bool):
        super().__init__()
        self.band_norm, self.time_norm = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.band_rnn = nn.LSTM(channels, channels, batch_first=True, bidirectional=True)
        self.band_out = nn.Linear(2 * channels, channels)
        self.conv = None
        if forward_only:
            self.conv = nn.Conv1d(channels, channels, self.kernel, padding=self.kernel // 2, groups=channels)
        self.time_rnn = nn.LSTM(channels, channels, batch_first=True, bidirectional=not forward_only)
        self.time_out = nn.Linear(channels if forward_only else 2 * channels, channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, K, C] -> [B, T, K, C]; `mask` as for `BandBlock`, must be None."""
        assert mask is None
        batch, _, bands, _ = x.shape
        y = self.band_rnn(self.band_norm(x).flatten(0, 1))[0]
        x = x + self.band_out(y).view_as(x)
        sequences = self.time_norm(x).transpose(1, 2).flatten(0, 1)  # [B * K, T, C]
        if self.conv is not None:
            sequences = self.conv(sequences.transpose(1, 2)).transpose(1, 2)
        y = self.time_out(self.time_rnn(sequences)[0])
        return x + y.unflatten(0, (batch, bands)).transpose(1, 2)


class SeparationNetwork(nn.Module):
    """Spectrum of a mixture -> spectrum of the speech, by one of the networks of `NETWORKS`.

    - mask: the first stage of the backbone, ConvNeXt blocks over the frames, a complex mask.
    - two_stage: the same and a second stage, a band-split network that estimates a deep filter; that of the package.
    - deep_filter: `OneStageFilter` with the blocks of the second stage.
    - recurrent: the same with `RecurrentBlock`s, whose context is the whole recording.
    - recurrent_forward: the same with a look-ahead of few frames; the networks above have one of 1 to 2 s.

    All have about the cost of two_stage but mask, which has half of it. Untrained they pass half of the mixture.

    Args:
        name: of the network.
        channels, blocks: of the band-split network; None for those of `NETWORKS`.
        backbone: options of the backbone.
    """

    def __init__(self, name: str, channels: int | None = None, blocks: int | None = None, **backbone: int):
        super().__init__()
        default_channels, default_blocks = NETWORKS[name]
        channels = default_channels if channels is None else channels
        blocks = default_blocks if blocks is None else blocks
        self.options = {"name": name, "channels": channels, "blocks": blocks, **backbone}
        second = {"deep_filter_channels": channels, "deep_filter_blocks": blocks} if name == "two_stage" else {}
        self.backbone = MDCTBackbone(**{"dim": 276, **backbone, **second})
        self.single_stage = None
        if name not in ("mask", "two_stage"):
            self.single_stage = OneStageFilter(
                self.backbone.n_fft // 2 + 1,
                2 * self.backbone.semantic_dim,
                channels,
                [
                    BandBlock(channels, (7, 5), causal=False)
                    if name == "deep_filter"
                    else RecurrentBlock(channels, forward_only=name == "recurrent_forward")
                    for _ in range(blocks)
                ],
            )

    def trained_parameters(self) -> list[nn.Parameter]:
        """The weights that separate."""
        first = [self.backbone.encoder, self.backbone.deep_filter]
        parts = first if self.single_stage is None else [self.single_stage]
        return [weight for part in parts if part is not None for weight in part.parameters()]

    def forward(self, spectrum: Tensor) -> Tensor:
        """Mixture [B, T, F] -> speech [B, T, F]."""
        if self.single_stage is None:
            return self.backbone._separate(spectrum, None)[0][:, :, 0]
        features, level = self.backbone._encoder_features(spectrum, None)
        features = features.unflatten(-1, (2, -1))
        relative_to_all, relative_to_bin = features.unbind(-2)
        means = level + 2 * relative_to_all - relative_to_bin
        weights = self.backbone.stft_to_mel / self.backbone.stft_to_mel.sum(0)
        context = (features @ weights).flatten(-2)
        return self.single_stage(spectrum, 0.5 * spectrum, torch.cat([level, means], dim=-1), context)

    def separate(self, wav: Tensor) -> Tensor:
        """Mixture [B, T * hop] -> speech and background [B, 2, T * hop]."""
        spectrum = self.backbone._stft(wav)
        speech = self(spectrum)
        return self.backbone._stem_waveforms(torch.stack([speech, spectrum - speech], dim=2), None)

    def save_pretrained(self, folder: str | Path, half: bool = False, shard_megabytes: float | None = None) -> None:
        """Write options and weights; arguments as for `serialization.save_model`."""
        save_model(folder, self.options, self.state_dict(), half, shard_megabytes, KIND)


NETWORKS = {
    "mask": (0, 0),
    "two_stage": (48, 4),
    "deep_filter": (48, 8),
    "recurrent": (32, 4),
    "recurrent_forward": (32, 4),
}
"""Name of each network -> default channels and blocks of its band-split network."""
