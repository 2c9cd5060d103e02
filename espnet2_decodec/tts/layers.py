"""Convolutional blocks that a voice steers."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SteeredBlock(nn.Module):
    """Depthwise convolution over time, a norm whose gain and shift a condition gives, a two-layer perceptron, a skip.

    A ConvNeXt block (Liu et al., 2022, arXiv 2201.03545) with the adaptive norm of FiLM (Perez et al., 2018).

    Args:
        channels: C.
        kernel: positions that it looks at, odd.
        dilation: distance between them.
        condition: size of the vector that steers; 0 for none.
        expansion: of the perceptron.
        dropout: on what it adds.
    """

    def __init__(self, channels: int, kernel: int, dilation: int, condition: int, expansion: int, dropout: float):
        super().__init__()
        self.dilation, self.pad = dilation, dilation * (kernel // 2)
        self.depthwise = nn.Conv1d(channels, channels, kernel, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.steer = nn.Linear(condition, 2 * channels) if condition else None
        if self.steer is not None:
            nn.init.zeros_(self.steer.weight)
            nn.init.zeros_(self.steer.bias)
        self.widen = nn.Linear(channels, expansion * channels)
        self.narrow = nn.Linear(expansion * channels, channels)
        self.dropout = nn.Dropout(dropout)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: Tensor, mask: Tensor, voice: Tensor | None = None) -> Tensor:
        """X [B, T, C], mask [B, T, 1], voice [B, condition] -> [B, T, C]."""
        image = (
            F.pad(x * mask, (0, 0, self.pad, self.pad)).transpose(1, 2).unsqueeze(2)
        )  # channels last, without copies
        weight = self.depthwise.weight.unsqueeze(2)
        y = F.conv2d(image, weight, self.depthwise.bias, groups=len(weight), dilation=(1, self.dilation))
        y = self.norm(y.squeeze(2).transpose(1, 2))
        if self.steer is not None:
            gain, shift = self.steer(voice)[:, None].chunk(2, dim=-1)
            y = y * (1 + gain) + shift
        return x + self.scale * self.dropout(self.narrow(F.gelu(self.widen(y))))


class SteeredStack(nn.Module):
    """Linear map in, blocks whose dilations go around, norm, linear map out.

    Args:
        dim_in, dim_out: features.
        channels: C of the blocks.
        blocks: how many.
        kernel, condition, expansion, dropout: of `SteeredBlock`.
        dilations: gone through again and again.
    """

    def __init__(
        self,
        dim_in: int,
        dim_out: int,
        channels: int,
        blocks: int,
        kernel: int = 7,
        condition: int = 0,
        expansion: int = 2,
        dropout: float = 0.1,
        dilations: tuple[int, ...] = (1, 2),
    ):
        super().__init__()
        self.enter = nn.Linear(dim_in, channels)
        self.blocks = nn.ModuleList(
            SteeredBlock(channels, kernel, dilations[i % len(dilations)], condition, expansion, dropout)
            for i in range(blocks)
        )
        self.norm = nn.LayerNorm(channels)
        self.leave = nn.Linear(channels, dim_out)

    def forward(self, x: Tensor, mask: Tensor, voice: Tensor | None = None) -> Tensor:
        """X [B, T, dim_in], mask [B, T, 1], voice [B, condition] -> [B, T, dim_out], zero where the mask is."""
        x = self.enter(x)
        for block in self.blocks:
            x = block(x, mask, voice)
        return self.leave(self.norm(x)) * mask


class VoiceEncoder(nn.Module):
    """What a voice sounds like, from a prompt: mean and deviation over its louder frames, then a perceptron.

    Args:
        dim: C of the prompt's coordinates.
        first: how many of them are the envelope; how loud the prompt is as a whole is taken out of these.
        size: of the vector.
    """

    def __init__(self, dim: int, first: int, size: int):
        super().__init__()
        self.first = first
        self.layers = nn.Sequential(nn.Linear(2 * dim, size), nn.GELU(), nn.Linear(size, size))

    def forward(self, prompt: Tensor, mask: Tensor) -> Tensor:
        """Prompt [B, T, C] normalized, mask [B, T, 1] -> [B, size]."""
        loudness = prompt[..., : self.first].mean(-1, keepdim=True)
        middle = (loudness * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
        weights = mask * torch.sigmoid(4 * (loudness - middle))
        total = weights.sum(1).clamp(min=1e-3)
        mean = (prompt * weights).sum(1) / total
        deviation = (((prompt - mean[:, None]).square() * weights).sum(1) / total + 1e-6).sqrt()
        envelope, others = mean[:, : self.first], mean[:, self.first :]
        return self.layers(torch.cat([envelope - envelope.mean(1, keepdim=True), others, deviation], dim=1))


def within(lengths: Tensor, longest: int) -> Tensor:
    """Lengths [B] -> [B, longest, 1] float: 1 before each length."""
    return (torch.arange(longest, device=lengths.device) < lengths[:, None])[..., None].float()
