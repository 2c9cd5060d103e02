"""Convolutional blocks conditioned on a speaker embedding."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.codec.padding import length_mask

LENGTH_STEP = 32
"""Sequences of any length are padded to a multiple of so many frames.

For each length that it has not met before, PyTorch on a CPU keeps some hundred kilobytes of prepared convolutions.
"""


class FiLMConvNeXtBlock(nn.Module):
    """ConvNeXt block with FiLM after the norm.

    Liu et al., 2022, arXiv 2201.03545; Perez et al., 2018, arXiv 1709.07871.

    Args:
        channels: C.
        kernel_size: of the depthwise convolution over time, odd.
        dilation: of that convolution.
        condition_dim: size of the conditioning vector; 0 for none.
        expansion: width of the pointwise layers over C.
        dropout: on the residual branch.
    """

    def __init__(
        self, channels: int, kernel_size: int, dilation: int, condition_dim: int, expansion: int, dropout: float
    ):
        super().__init__()
        self.dilation, self.padding = dilation, dilation * (kernel_size // 2)
        self.dwconv = nn.Conv1d(channels, channels, kernel_size, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.film = nn.Linear(condition_dim, 2 * channels) if condition_dim else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)
        self.pwconv1 = nn.Linear(channels, expansion * channels)
        self.pwconv2 = nn.Linear(expansion * channels, channels)
        self.dropout = nn.Dropout(dropout)
        self.layer_scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor | None = None) -> Tensor:
        """Apply the block: x [B, T, C], mask [B, T, 1], condition [B, condition_dim] -> [B, T, C]."""
        padded = F.pad(x * mask, (0, 0, self.padding, self.padding))
        image = padded.transpose(1, 2).unsqueeze(2)  # channels last, without copies
        weight = self.dwconv.weight.unsqueeze(2)
        y = F.conv2d(image, weight, self.dwconv.bias, groups=len(weight), dilation=(1, self.dilation))
        y = self.norm(y.squeeze(2).transpose(1, 2))
        if self.film is not None:
            gain, shift = self.film(condition)[:, None].chunk(2, dim=-1)
            y = y * (1 + gain) + shift
        return x + self.layer_scale * self.dropout(self.pwconv2(F.gelu(self.pwconv1(y))))


class FiLMConvNeXtStack(nn.Module):
    """Linear projection in, blocks, norm, linear projection out.

    In eval mode a sequence is padded to a multiple of `LENGTH_STEP`, which does not change the result.

    Args:
        dim_in: features of the input.
        dim_out: features of the output.
        channels: C of the blocks.
        blocks: number of blocks.
        kernel_size: of the blocks.
        condition_dim: of the blocks.
        expansion: of the blocks.
        dropout: of the blocks.
        dilations: of the blocks, used cyclically.
    """

    def __init__(
        self,
        dim_in: int,
        dim_out: int,
        channels: int,
        blocks: int,
        kernel_size: int = 7,
        condition_dim: int = 0,
        expansion: int = 2,
        dropout: float = 0.1,
        dilations: tuple[int, ...] = (1, 2),
    ):
        super().__init__()
        self.in_proj = nn.Linear(dim_in, channels)
        self.blocks = nn.ModuleList(
            FiLMConvNeXtBlock(channels, kernel_size, dilations[i % len(dilations)], condition_dim, expansion, dropout)
            for i in range(blocks)
        )
        self.norm = nn.LayerNorm(channels)
        self.out_proj = nn.Linear(channels, dim_out)

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor | None = None) -> Tensor:
        """Apply all layers: x [B, T, dim_in], mask [B, T, 1], condition [B, condition_dim] -> [B, T, dim_out]."""
        length = x.shape[1]
        if not self.training:
            x, mask = pad_length(x), pad_length(mask)
        x = self.in_proj(x)
        for block in self.blocks:
            x = block(x, mask, condition)
        return (self.out_proj(self.norm(x)) * mask)[:, :length]


class SpeakerEncoder(nn.Module):
    """Speaker embedding of a prompt: weighted mean and standard deviation over its louder frames, then two layers.

    Args:
        dim: C, features of a prompt frame.
        envelope_dim: number of leading features that are the spectral envelope, whose mean level is removed.
        speaker_dim: size of the embedding.
    """

    def __init__(self, dim: int, envelope_dim: int, speaker_dim: int):
        super().__init__()
        self.envelope_dim = envelope_dim
        self.layers = nn.Sequential(nn.Linear(2 * dim, speaker_dim), nn.GELU(), nn.Linear(speaker_dim, speaker_dim))

    def forward(self, prompt: Tensor, mask: Tensor) -> Tensor:
        """Encode prompts: prompt [B, T, C] normalized, mask [B, T, 1] -> [B, speaker_dim]."""
        level = prompt[..., : self.envelope_dim].mean(-1, keepdim=True)
        mean_level = (level * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
        weights = mask * torch.sigmoid(4 * (level - mean_level))
        total = weights.sum(1).clamp(min=1e-3)
        mean = (prompt * weights).sum(1) / total
        std = (((prompt - mean[:, None]).square() * weights).sum(1) / total + 1e-6).sqrt()
        envelope, others = mean[:, : self.envelope_dim], mean[:, self.envelope_dim :]
        return self.layers(torch.cat([envelope - envelope.mean(1, keepdim=True), others, std], dim=1))


def pad_length(x: Tensor) -> Tensor:
    """Frames [..., T, C] -> the same followed by zeros, [..., T', C]; T' is a multiple of `LENGTH_STEP`."""
    return F.pad(x, (0, 0, 0, -x.shape[-2] % LENGTH_STEP))


def sequence_mask(lengths: Tensor, max_length: int) -> Tensor:
    """`length_mask` as a factor of frames [B, T, C]: lengths [B] -> [B, max_length, 1], 1.0 before each length."""
    return length_mask(lengths, max_length)[..., None].float()
