"""What is said, frame by frame, as a teacher that knows speech would hear it without the background."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.backbones.spectral import Stack
from espnet2_decodec.codec.quantizer import ResidualVQ


class ContentEncoder(nn.Module):
    """From the coordinates of both stems to those of the content: a stream of its own, beside the tokens.

    A linear map of the content follows the teacher (`training.semantic.SemanticHead`), so that it holds what the teacher tells
    apart: phones rather than voices and rooms. This is the paper's semantic guidance on coordinates that no waveform has to
    be decoded from. With levels it has tokens too: in training mode codebooks follow the content, which does not follow them.

    Args:
        inputs: how many first coordinates of speech and of background it sees: envelope and pitch where there are such.
        dim: S, of the content.
        channels, blocks, kernel: of its network, see `Stack`.
        causal: look back only.
        levels: K, of its tokens; 0 for none.
        codebook_size: N, of each level.

    Raises:
        ValueError: if the kernel is even.
    """

    def __init__(
        self,
        inputs: tuple[int, int],
        dim: int,
        channels: int = 192,
        blocks: int = 6,
        kernel: int = 15,
        causal: bool = False,
        levels: int = 0,
        codebook_size: int = 1024,
    ):
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {kernel}.")
        self.inputs, self.dim, self.levels = inputs, dim, levels
        self.network = Stack(sum(inputs), channels, blocks, dim, kernel, causal, level=False)
        self.quantizer = ResidualVQ(dim, levels, codebook_size) if levels else None

    def forward(self, speech: Tensor, background: Tensor, mask: Tensor | None = None) -> Tensor:
        """Coordinates [B, D_s, T] and [B, D_b, T], mask [B, T] of valid frames -> content [B, S, T]."""
        seen = torch.cat([x[:, :count] for x, count in zip((speech, background), self.inputs)], dim=1)
        content = self.network(seen.transpose(1, 2), mask).transpose(1, 2)
        if self.training and self.quantizer is not None:
            self.quantizer(content.detach(), torch.full((len(content),), self.levels, device=content.device), mask)
        return content
