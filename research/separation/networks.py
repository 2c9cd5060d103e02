"""Networks that are compared for the separation, all with the STFT of the MDCT backbone."""

from pathlib import Path

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.deep_filter import BandSplitDeepFilter
from espnet2_decodec.codec.serialization import save_model

KIND = "espnet2_decodec.separation_network"
"""Kind of the model in its config.json."""


class RecurrentBlock(nn.Module):
    """A recurrent layer over the bands of a frame, then one over the frames of a band; residual blocks.

    As in the dual-path RNN (Luo et al., 2020, arXiv 1910.06379) and BSRNN (Luo and Yu, 2023, arXiv 2209.15174). The
    layer over time has no look-ahead; a convolution before it has.

    Args:
        channels: C.
        kernel: of the convolution over time, in frames, odd.
    """

    def __init__(self, channels: int, kernel: int = 7):
        super().__init__()
        self.band_norm, self.time_norm = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.band_rnn = nn.GRU(channels, channels, batch_first=True, bidirectional=True)
        self.band_out = nn.Linear(2 * channels, channels)
        self.conv = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.time_rnn = nn.GRU(channels, channels, batch_first=True)
        self.time_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, K, C] -> [B, T, K, C]; `mask` as for `BandBlock`, must be None."""
        assert mask is None
        batch, frames, bands, _ = x.shape
        y = self.band_rnn(self.band_norm(x).flatten(0, 1))[0]
        x = x + self.band_out(y).view_as(x)
        sequences = self.time_norm(x).transpose(1, 2).flatten(0, 1)  # [B * K, T, C]
        sequences = self.conv(sequences.transpose(1, 2)).transpose(1, 2)
        y = self.time_out(self.time_rnn(sequences)[0])
        return x + y.view(batch, bands, frames, -1).transpose(1, 2)


class SeparationNetwork(nn.Module):
    """Spectrum of a mixture -> spectrum of the speech, by one of the networks of `NETWORKS`.

    - mask: the first stage of the backbone, ConvNeXt blocks over the frames, a complex mask.
    - two_stage: the same and a second stage, a band-split network that estimates a deep filter; that of the package.
    - deep_filter: the second stage alone, whose gain is a mask of the mixture and whose taps are a deep filter, as in
      DeepFilterNet (Schröter et al., 2022, arXiv 2110.05588).
    - recurrent: the same with `RecurrentBlock`s.

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
        if name in ("deep_filter", "recurrent"):
            self.single_stage = BandSplitDeepFilter(self.backbone.n_fft // 2 + 1, 1, channels, blocks)
        if name == "recurrent":
            assert self.single_stage is not None
            self.single_stage.blocks = nn.ModuleList(RecurrentBlock(channels) for _ in range(blocks))

    def trained_parameters(self) -> list[nn.Parameter]:
        """The weights that separate."""
        first = [self.backbone.encoder, self.backbone.deep_filter]
        parts = first if self.single_stage is None else [self.single_stage]
        return [weight for part in parts if part is not None for weight in part.parameters()]

    def forward(self, spectrum: Tensor) -> Tensor:
        """Mixture [B, T, F] -> speech [B, T, F]."""
        if self.single_stage is None:
            return self.backbone._separate(spectrum, None)[0][:, :, 0]
        _, level = self.backbone._encoder_features(spectrum, None)
        return self.single_stage(spectrum, 0.5 * spectrum, level, torch.zeros_like(level))

    def separate(self, wav: Tensor) -> Tensor:
        """Mixture [B, T * hop] -> speech and background [B, 2, T * hop]."""
        spectrum = self.backbone._stft(wav)
        speech = self(spectrum)
        return self.backbone._stem_waveforms(torch.stack([speech, spectrum - speech], dim=2), None)

    def save_pretrained(self, folder: str | Path, half: bool = False, shard_megabytes: float | None = None) -> None:
        """Write options and weights; arguments as for `serialization.save_model`."""
        save_model(folder, self.options, self.state_dict(), half, shard_megabytes, KIND)


NETWORKS = {"mask": (0, 0), "two_stage": (48, 4), "deep_filter": (48, 8), "recurrent": (32, 2)}
"""Name of each network -> default channels and blocks of its band-split network."""
