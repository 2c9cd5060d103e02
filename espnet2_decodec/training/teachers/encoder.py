"""Whisper's encoder in plain torch, with a configurable number of layers."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAX_FRAMES = 1500
"""30 s, the longest input in Whisper's training."""


def sinusoids(frames: int, dim: int) -> Tensor:
    """Whisper's positions ``[frames, dim]``: sines, then cosines, of wavelengths 2 pi to 20000 pi frames.

    They are rounded to float16 and back, as in the published weights, because attention depends even on that.
    """
    rates = torch.logspace(0, -4, dim // 2, dtype=torch.float64)
    angles = torch.arange(frames)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).half().float()


class Layer(nn.Module):
    """Pre-norm transformer layer: self-attention and feed-forward with residual connections.

    Args:
        dim: width.
        heads: number of attention heads.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.attention_out = nn.Linear(dim, dim)
        self.feed_norm = nn.LayerNorm(dim)
        self.feed_in = nn.Linear(dim, 4 * dim)
        self.feed_out = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, dim] -> [B, T, dim]``."""
        query, key, value = self.qkv(self.attention_norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        x = x + self.attention_out(mixed.transpose(1, 2).flatten(2))
        return x + self.feed_out(F.gelu(self.feed_in(self.feed_norm(x))))


class WhisperEncoder(nn.Module):
    """Two convolutions, the second of stride 2, and the first layers of the transformer.

    The output has passed a layer norm, as the next layer would apply it. Without it, one or two frames of a clip that
    the other frames attend to (attention sinks) are 20 to 30 times larger than the rest and make up a third of the
    variance of each dimension along time (measured at layer 4), which is unrelated to the speech.

    Args:
        layers: number of layers.
        dim: width.
        heads: number of attention heads.
        bins: number of mel bins.
        final_norm: use Whisper's last layer norm with its weights, for the full number of layers; otherwise the layer
            norm has no weights.
    """

    positions: Tensor

    def __init__(self, layers: int = 4, dim: int = 512, heads: int = 8, bins: int = 80, final_norm: bool = False):
        super().__init__()
        self.conv1 = nn.Conv1d(bins, dim, 3, padding=1)
        self.conv2 = nn.Conv1d(dim, dim, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(Layer(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim, elementwise_affine=final_norm)
        self.register_buffer("positions", sinusoids(MAX_FRAMES, dim), persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        """Encode a log-mel spectrogram; longer ones than 30 s are cut into equal pieces.

        Args:
            mel: ``[B, bins, 2 T]``, 100 frames/s.

        Returns:
            ``[B, dim, T]``, 50 frames/s.
        """
        (last,) = self.layer_outputs(mel, [len(self.layers)])
        return self.norm(last).transpose(1, 2)

    def layer_outputs(self, mel: Tensor, numbers: Sequence[int]) -> list[Tensor]:
        """Outputs of layers before the layer norm.

        Args:
            mel: as for `forward`.
            numbers: of the layers, from 1 on; 0 for the input of the first one.

        Returns:
            ``[B, T, dim]`` of each of them.
        """
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        pieces = -(-x.shape[1] // MAX_FRAMES)
        outputs = [self._attend(piece, numbers) for piece in x.chunk(pieces, dim=1)]
        return [torch.cat(parts, dim=1) for parts in zip(*outputs)]

    def _attend(self, x: Tensor, numbers: Sequence[int]) -> list[Tensor]:
        outputs = [x + self.positions[: x.shape[1]]]
        for layer in self.layers[: max(numbers)]:
            outputs.append(layer(outputs[-1]))
        return [outputs[number] for number in numbers]
