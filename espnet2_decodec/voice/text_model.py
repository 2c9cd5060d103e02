"""Phones -> durations -> tokens and features of the semantic level."""

from typing import Any

import torch
from torch import Tensor, nn

from espnet2_decodec.voice.layers import FiLMConvNeXtStack, sequence_mask
from espnet2_decodec.voice.text_phones import PHONES

POSITION_DIM = 3
"""Features of a frame within its phone: relative position from the start and from the end, log duration."""


class TextModel(nn.Module):
    """Convolutional, non-autoregressive model after FastSpeech (Ren et al., 2019, arXiv 1905.09263).

    Shapes: M phones, N tokens in the codebook of the semantic level, S semantic features, V style_dim.

    Args:
        styles: number of styles of speaking.
        codes: N.
        feature_dim: S.
        channels: C of all blocks.
        phone_blocks, duration_blocks, frame_blocks: number of blocks of each part.
        style_dim: V, size of the style embedding.
        kernel_size: of the blocks, odd.
        expansion: of the blocks.
        dropout: of the blocks.
    """

    def __init__(
        self,
        styles: int = 1,
        codes: int = 1024,
        feature_dim: int = 64,
        channels: int = 192,
        phone_blocks: int = 5,
        duration_blocks: int = 2,
        frame_blocks: int = 7,
        style_dim: int = 32,
        kernel_size: int = 7,
        expansion: int = 3,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.options: dict[str, Any] = {
            "styles": styles, "codes": codes, "feature_dim": feature_dim, "channels": channels,
            "phone_blocks": phone_blocks, "duration_blocks": duration_blocks, "frame_blocks": frame_blocks,
            "style_dim": style_dim, "kernel_size": kernel_size, "expansion": expansion, "dropout": dropout,
        }  # fmt: skip
        shared: dict[str, Any] = {
            "kernel_size": kernel_size,
            "condition_dim": style_dim,
            "expansion": expansion,
            "dropout": dropout,
        }
        self.embedding = nn.Embedding(len(PHONES), channels, padding_idx=0)
        self.style = nn.Embedding(styles, style_dim)
        self.phone_encoder = FiLMConvNeXtStack(channels, channels, channels, phone_blocks, **shared)
        self.duration_predictor = FiLMConvNeXtStack(channels, 1, channels // 2, duration_blocks, **shared)
        self.frame_decoder = FiLMConvNeXtStack(
            channels + POSITION_DIM, codes + feature_dim, channels, frame_blocks, **shared
        )
        with torch.no_grad():  # the features start as the expected embeddings
            self.frame_decoder.out_proj.weight[codes:] = 0
            self.frame_decoder.out_proj.bias[codes:] = 0

    def encode(self, phones: Tensor, lengths: Tensor, style: Tensor) -> Tensor:
        """Encode phones [B, M], lengths [B], style [B] -> [B, M, C]."""
        return self.phone_encoder(self.embedding(phones), sequence_mask(lengths, phones.shape[1]), self.style(style))

    def log_durations(self, hidden: Tensor, lengths: Tensor, style: Tensor) -> Tensor:
        """Log duration of each phone in frames, [B, M], from hidden [B, M, C], lengths [B] and style [B]."""
        return self.duration_predictor(hidden, sequence_mask(lengths, hidden.shape[1]), self.style(style))[..., 0]

    def forward(
        self, hidden: Tensor, durations: Tensor, time: Tensor, mask: Tensor, style: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits of the tokens of frames, and the difference of the features from the expected embedding.

        Args:
            hidden: [B, M, C] from `encode`.
            durations: [B, M] in frames, not rounded, 0 for padding.
            time: [B, T] indices of the frames.
            mask: [B, T, 1], 1 where a frame is valid.
            style: [B].

        Returns:
            Logits [B, T, N], differences [B, T, S].
        """
        output = self.frame_decoder(expand(hidden, durations, time), mask, self.style(style))
        return output.split([self.options["codes"], self.options["feature_dim"]], dim=-1)


def expand(hidden: Tensor, durations: Tensor, time: Tensor) -> Tensor:
    """Expand hidden states of phones to frames: hidden [B, M, C], durations [B, M], time [B, T] -> [B, T, C + 3].

    The phone of a frame is the one at its centre.
    """
    ends = durations.cumsum(1)
    centre = time + 0.5
    index = torch.searchsorted(ends, centre, right=True).clamp(max=durations.shape[1] - 1)
    duration = durations.gather(1, index).clamp(min=0.1)
    elapsed = ((centre - ends.gather(1, index)) / duration + 1).clamp(0, 1)
    position = torch.stack([elapsed, 1 - elapsed, duration.log()], dim=-1)
    return torch.cat([hidden.gather(1, index[..., None].expand(-1, -1, hidden.shape[2])), position], dim=-1)
