"""Encoder of a voice prompt, and attention to its frames."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_decodec.voice.layers import FiLMConvNeXtBlock


class PromptEncoder(nn.Module):
    """Frames of a prompt -> their encodings, and an embedding of the voice.

    Args:
        dim_in: features of a frame.
        channels: C of the encodings.
        blocks: number of ConvNeXt blocks.
        voice_dim: of the embedding.
    """

    def __init__(self, dim_in: int, channels: int, blocks: int, voice_dim: int):
        super().__init__()
        self.in_proj = nn.Linear(dim_in, channels)
        self.blocks = nn.ModuleList(FiLMConvNeXtBlock(channels, 5, 1, 0, 3, 0.0) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)
        self.weight = nn.Linear(channels, 1)
        self.voice = nn.Sequential(nn.Linear(2 * channels, voice_dim), nn.GELU(), nn.Linear(voice_dim, voice_dim))

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode prompts.

        Args:
            frames: [B, T, dim_in].
            mask: [B, T, 1], 1 where a frame is valid.

        Returns:
            Encodings [B, T, C], and the voice [B, voice_dim] from their weighted mean and standard deviation.
        """
        x = self.in_proj(frames)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        weights = self.weight(x).masked_fill(mask == 0, -torch.inf).softmax(1)
        mean = (weights * x).sum(1)
        deviation = ((weights * (x - mean[:, None]).square()).sum(1) + 1e-5).sqrt()
        return x, self.voice(torch.cat([mean, deviation], dim=-1))


class PromptAttention(nn.Module):
    """Multi-head attention from frames to be synthesized to those of the prompt, with a residual connection.

    Args:
        channels: C.
        heads: number of heads.
        head_dim: of keys and values.
    """

    def __init__(self, channels: int, heads: int = 4, head_dim: int = 32):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, heads * head_dim)
        self.key_value = nn.Linear(channels, 2 * heads * head_dim)
        self.out = nn.Linear(heads * head_dim, channels)

    def forward(self, x: Tensor, prompt: Tensor, prompt_mask: Tensor) -> Tensor:
        """X [B, T, C], prompt [B, T', C], prompt_mask [B, T', 1] of valid frames -> [B, T, C]."""

        def split(y: Tensor) -> Tensor:
            return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        query = split(self.query(self.norm(x)))
        key, value = map(split, self.key_value(prompt).chunk(2, dim=-1))
        valid = (prompt_mask[..., 0] > 0)[:, None, None]
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=valid)
        return x + self.out(y.transpose(1, 2).flatten(2))
