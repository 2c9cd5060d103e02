"""What is said, frame by frame, as a teacher that knows speech would hear it without the background."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.spectral import Stack


class ContentEncoder(nn.Module):
    """From the coordinates of both stems to those of the content: a stream of its own, beside the tokens.

    A linear map of the content follows the teacher (`training.semantic.SemanticHead`), so that it holds what the teacher tells
    apart: phones rather than voices and rooms. This is the paper's semantic guidance on coordinates that no waveform has to
    be decoded from.

    Args:
        inputs: how many first coordinates of speech and of background it sees: envelope and pitch where there are such.
        dim: S, of the content.
        channels, blocks, kernel: of its network, see `Stack`.
        causal: look back only.

    Raises:
        ValueError: if the kernel is even.
    """

    def __init__(
        self, inputs: tuple[int, int], dim: int, channels: int = 192, blocks: int = 6, kernel: int = 15, causal: bool = False
    ):
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {kernel}.")
        self.inputs, self.dim = inputs, dim
        self.network = Stack(sum(inputs), channels, blocks, dim, kernel, causal, level=False)

    def forward(self, speech: Tensor, background: Tensor, mask: Tensor | None = None) -> Tensor:
        """Coordinates [B, D_s, T] and [B, D_b, T], mask [B, T] of valid frames -> content [B, S, T]."""
        seen = torch.cat([x[:, :count] for x, count in zip((speech, background), self.inputs)], dim=1)
        return self.network(seen.transpose(1, 2), mask).transpose(1, 2)
