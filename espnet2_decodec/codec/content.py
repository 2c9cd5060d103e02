"""Content features: linguistic information of the speech, distilled from a teacher."""

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.dsp.convnext import ConvNeXtStack
from espnet2_decodec.codec.quantizer import ResidualVQ


class ContentEncoder(nn.Module):
    """Encoder from the latent of both stems to content features, beside the tokens of the codec.

    It is trained such that a linear map of the features predicts those that a teacher (HuBERT, WavLM, Whisper, ...)
    extracts from the clean speech: the semantic guidance of the DeCodec paper, on features from which no waveform is
    decoded. With `levels` the features have tokens, too; in training mode the codebooks follow the features, which do
    not depend on them.

    Args:
        input_dims: number of leading coordinates of the speech and of the background latent that are used: the
            parameters of a `ParametricBackbone`.
        dim: S, of the features.
        channels, blocks, kernel: of the network, see `ConvNeXtStack`.
        causal: no look-ahead.
        levels: K, of the tokens; 0 for none.
        codebook_size: N, of each level.

    Raises:
        ValueError: if the kernel is even.
    """

    def __init__(
        self,
        input_dims: tuple[int, int],
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
        self.input_dims, self.dim, self.levels = input_dims, dim, levels
        self.network = ConvNeXtStack(sum(input_dims), channels, blocks, dim, kernel, causal, norm_in=True)
        self.quantizer = ResidualVQ(dim, levels, codebook_size) if levels else None

    def forward(self, speech: Tensor, background: Tensor, mask: Tensor | None = None) -> Tensor:
        """Latents s [B, D_s, T] and b [B, D_b, T], mask [B, T] of valid frames -> content [B, S, T]."""
        inputs = torch.cat([x[:, :dim] for x, dim in zip((speech, background), self.input_dims)], dim=1)
        content = self.network(inputs.transpose(1, 2), mask).transpose(1, 2)
        if self.training and self.quantizer is not None:
            self.quantizer(content.detach(), torch.full((len(content),), self.levels, device=content.device), mask)
        return content
