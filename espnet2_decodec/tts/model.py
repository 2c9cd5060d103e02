"""Acoustic model: text to durations, to the features of the semantic level, to all parametric features."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from espnet2_decodec.data.config import check_keys
from espnet2_decodec.tts.alignment import AlignmentModule
from espnet2_decodec.voice.layers import FiLMConvNeXtStack, SpeakerEncoder, sequence_mask

DEFAULTS: dict = {
    "channels": 192,
    "text_blocks": 6,
    "semantic_blocks": 6,
    "acoustic_blocks": 4,
    "duration_blocks": 2,
    "speaker_dim": 64,
    "kernel_size": 7,
    "expansion": 3,
    "dropout": 0.1,
    "semantic_only": False,
}
"""Options of `AcousticModel`."""

_KINDS = {bool: "true or false", int: "an integer of 0 or more", float: "a number such as 0.1, of 0 or more"}


@dataclass(frozen=True)
class AcousticOutput:
    """Normalized features of frames.

    Attributes:
        semantic: [B, T, E] features of the semantic level.
        acoustic: [B, T, C] all features, given the text and the semantic level; None from a model of this level alone.
    """

    semantic: Tensor
    acoustic: Tensor | None


class AcousticModel(nn.Module):
    """Convolutional, non-autoregressive acoustic model after FastSpeech (Ren et al., 2019, arXiv 1905.09263).

    Shapes: N characters, C features, E features of the semantic level, V speaker_dim.

    Args:
        characters: size of the character inventory, with padding (number 0).
        dim: C.
        semantic_dim: E.
        options: a difference from `DEFAULTS`: channels of all blocks, number of blocks of each part, size V of the
            speaker embedding, kernel_size, expansion and dropout of the blocks; semantic_only for a model of the
            semantic level alone, whose other features a voice model predicts.

    Raises:
        ValueError: if an option is unknown, or of another type.
    """

    semantic_gv: Tensor
    acoustic_gv: Tensor

    def __init__(self, characters: int, dim: int, semantic_dim: int, options: dict | None = None):
        super().__init__()
        check_keys(options or {}, DEFAULTS, "The text-to-speech model")
        for name, value in (options or {}).items():
            if type(value) is not type(DEFAULTS[name]) or value < 0:
                raise ValueError(f"{name} must be {_KINDS[type(DEFAULTS[name])]}, not {value!r}.")
        self.options = {**DEFAULTS, **(options or {})}
        size, speaker_dim = self.options["channels"], self.options["speaker_dim"]
        shared = {"channels": size, "condition_dim": speaker_dim}
        shared |= {name: self.options[name] for name in ("kernel_size", "expansion", "dropout")}
        self.embedding = nn.Embedding(characters, size, padding_idx=0)
        self.aligner = AlignmentModule(size, dim)
        self.speaker_encoder = SpeakerEncoder(dim, semantic_dim, speaker_dim)
        self.text_encoder = FiLMConvNeXtStack(size, size, blocks=self.options["text_blocks"], **shared)
        self.duration_predictor = FiLMConvNeXtStack(size, 1, blocks=self.options["duration_blocks"], **shared)
        self.semantic_decoder = FiLMConvNeXtStack(
            size + 3, semantic_dim, blocks=self.options["semantic_blocks"], **shared
        )
        self.register_buffer("semantic_gv", torch.ones(semantic_dim))
        if not self.options["semantic_only"]:
            self.acoustic_decoder = FiLMConvNeXtStack(
                size + 3 + semantic_dim, dim, blocks=self.options["acoustic_blocks"], **shared
            )
            self.register_buffer("acoustic_gv", torch.ones(dim))

    def align(self, text: Tensor, text_lengths: Tensor, features: Tensor, lengths: Tensor) -> Tensor:
        """Log probabilities [B, T, N] of characters [B, N] at frames with normalized features [B, T, C]."""
        return self.aligner(self.embedding(text), features, text_lengths, lengths)

    def encode_text(self, text: Tensor, text_lengths: Tensor, speaker: Tensor) -> Tensor:
        """Encode characters: text [B, N], speaker [B, V] -> [B, N, channels]."""
        return self.text_encoder(self.embedding(text), sequence_mask(text_lengths, text.shape[1]), speaker)

    def predict_log_durations(self, hidden: Tensor, text_lengths: Tensor, speaker: Tensor) -> Tensor:
        """Log duration of each character in frames, [B, N]. No gradient flows into the hidden states."""
        mask = sequence_mask(text_lengths, hidden.shape[1])
        return self.duration_predictor(hidden.detach(), mask, speaker)[..., 0]

    def regulate_length(self, hidden: Tensor, durations: Tensor, time: Tensor) -> Tensor:
        """Expand hidden states of characters to frames.

        Args:
            hidden: [B, N, channels].
            durations: [B, N] whole frames.
            time: [B, T] indices of the frames.

        Returns:
            [B, T, channels + 3]: the hidden state of the frame's character, the relative position from its start and
            from its end (0..1), and its log duration.
        """
        ends = durations.cumsum(1)
        index = torch.searchsorted(ends, time, right=True).clamp(max=durations.shape[1] - 1)  # [B, T]
        duration = durations.gather(1, index).clamp(min=1).float()
        elapsed = (time - (ends - durations).gather(1, index) + 0.5) / duration
        position = torch.stack([elapsed.clamp(0, 1), 1 - elapsed.clamp(0, 1), duration.log()], dim=-1)
        return torch.cat([hidden.gather(1, index[..., None].expand(-1, -1, hidden.shape[2])), position], dim=-1)

    def forward(
        self, frames: Tensor, mask: Tensor, speaker: Tensor, condition: Callable[[Tensor], Tensor] | None = None
    ) -> AcousticOutput:
        """Predict the features of frames.

        Args:
            frames: [B, T, channels + 3] from `regulate_length`.
            mask: [B, T, 1], 1 where a frame is valid.
            speaker: [B, V].
            condition: function from the predicted semantic features [B, T, E] to those that the acoustic decoder is
                conditioned on; None takes them unchanged.
        """
        semantic = self.semantic_decoder(frames, mask, speaker)
        if self.options["semantic_only"]:
            return AcousticOutput(semantic, None)
        given = semantic if condition is None else condition(semantic)
        acoustic = self.acoustic_decoder(torch.cat([frames, given.detach()], dim=-1), mask, speaker)
        return AcousticOutput(semantic, acoustic)


def round_durations(log_durations: Tensor, speed: float = 1.0) -> Tensor:
    """Log durations [N] -> whole frames [N] int64, at least one each, rounded so that their sum is preserved."""
    ends = (log_durations.exp() / speed).clamp(min=1).cumsum(0).add(0.5).floor().long()
    return torch.diff(ends, prepend=ends.new_zeros(1))


def scale_global_variance(x: Tensor, scale: Tensor, weight: float) -> Tensor:
    """Raise the variance of predicted features over time to that of natural speech.

    Predictions that minimize a mean error vary too little (Toda and Tokuda, 2007).

    Args:
        x: [B, T, C].
        scale: [C] ratio of the natural to the predicted standard deviation.
        weight: 0 leaves x as it is, 1 applies the full ratio.
    """
    mean = x.mean(1, keepdim=True)
    return mean + (x - mean) * scale**weight
