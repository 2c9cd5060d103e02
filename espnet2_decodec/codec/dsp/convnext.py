"""ConvNeXt blocks over time (Liu et al., 2022, arXiv 2201.03545), as in Vocos (Siuzdak, 2023, arXiv 2306.00814)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.dsp.chunking import chunked


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a two-layer perceptron on each frame, with a scaled residual connection.

    Args:
        channels: C.
        kernel: of the convolution, in frames, odd.
        causal: the convolution has no look-ahead.
        layer_scale: initial value of `gamma`.
    """

    def __init__(self, channels: int, kernel: int, causal: bool, layer_scale: float):
        super().__init__()
        self.pad = (kernel - 1, 0) if causal else (kernel // 2, kernel // 2)
        self.dwconv = nn.Conv1d(channels, channels, kernel, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), layer_scale))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, C], mask [B, T, 1] of valid frames -> [B, T, C]."""
        y = self._depthwise(x if mask is None else x * mask)
        y = chunked(self._pointwise, y.reshape(-1, y.shape[-1])).view_as(x)
        return torch.addcmul(x, self.gamma, y)

    def _depthwise(self, x: Tensor) -> Tensor:
        """Depthwise convolution over time of x [B, T, C].

        It runs as a 2-d convolution of height 1, which takes this memory layout as channels-last and needs no copies.
        """
        image = F.pad(x, (0, 0, *self.pad)).transpose(1, 2).unsqueeze(2)
        weight = self.dwconv.weight.unsqueeze(2)
        return F.conv2d(image, weight, self.dwconv.bias, groups=len(weight)).squeeze(2).transpose(1, 2)

    def _pointwise(self, y: Tensor) -> Tensor:
        """The perceptron on frames y [M, C]."""
        return self.pwconv2(F.gelu(self.pwconv1(self.norm(y))))


class ConvNeXtStack(nn.Module):
    """Linear projection, optional layer norm, ConvNeXt blocks, layer norm, linear projection; channels-last.

    Args:
        dim_in: C_in.
        channels: C of the blocks.
        blocks: number of blocks.
        dim_out: C_out.
        kernel: of the convolutions, in frames, odd.
        causal: the convolutions have no look-ahead.
        norm_in: normalize each frame after the input projection, which removes its level.
    """

    def __init__(
        self, dim_in: int, channels: int, blocks: int, dim_out: int, kernel: int, causal: bool, norm_in: bool = False
    ):
        super().__init__()
        self.in_proj = nn.Linear(dim_in, channels)
        self.norm_in = nn.LayerNorm(channels) if norm_in else nn.Identity()
        layer_scale = 1 / blocks if norm_in else 0.03
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels, kernel, causal, layer_scale) for _ in range(blocks))
        self.norm_out = nn.LayerNorm(channels)
        self.out_proj = nn.Linear(channels, dim_out)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, C_in], mask [B, T] of valid frames -> [B, T, C_out]."""
        return self.out_proj(self.features(x, mask))

    def features(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """X [B, T, C_in], mask [B, T] of valid frames -> input of the last projection [B, T, C]."""
        mask = None if mask is None else mask[..., None].to(x.dtype)
        x = self.norm_in(self.in_proj(x))
        for block in self.blocks:
            x = block(x, mask)
        return self.norm_out(x)
