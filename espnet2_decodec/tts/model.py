"""Text to the coordinates of speech: durations, then the semantic level, then everything else that a vocoder needs."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from espnet2_decodec.tts.alignment import Aligner
from espnet2_decodec.tts.layers import SteeredStack, VoiceEncoder, within

DEFAULTS: dict = {
    "channels": 192,
    "text_blocks": 6,
    "semantic_blocks": 6,
    "acoustic_blocks": 4,
    "duration_blocks": 2,
    "voice": 64,
    "kernel": 7,
    "expansion": 3,
    "dropout": 0.1,
}
"""Options of `TextToCoordinates`."""


@dataclass(frozen=True)
class Predicted:
    """Of frames whose durations are given: normalized coordinates.

    Attributes:
        semantic: [B, T, E] those of the first level.
        acoustic: [B, T, C] all of them, from the text and the semantic level.
    """

    semantic: Tensor
    acoustic: Tensor


class TextToCoordinates(nn.Module):
    """A convolutional, non-autoregressive text-to-speech model after FastSpeech (Ren et al., 2019, arXiv 1905.09263).

    Shapes: N characters, C coordinates, E of the semantic level, V size of a voice.

    Args:
        characters: how many there are, padding (number 0) among them.
        dim: C.
        first: E.
        options: a difference from `DEFAULTS`: channels of all blocks, blocks of each part, size V of a voice, kernel,
            expansion and dropout of the blocks.

    Raises:
        ValueError: if an option is unknown.
    """

    def __init__(self, characters: int, dim: int, first: int, options: dict | None = None):
        super().__init__()
        unknown = sorted((options or {}).keys() - DEFAULTS.keys())
        if unknown:
            raise ValueError(f"Unknown option {unknown[0]!r} of the TTS model; there are {', '.join(DEFAULTS)}.")
        self.options = {**DEFAULTS, **(options or {})}
        size, voice = self.options["channels"], self.options["voice"]
        shared = {"channels": size, "condition": voice} | {
            k: self.options[k] for k in ("kernel", "expansion", "dropout")
        }
        self.embedding = nn.Embedding(characters, size, padding_idx=0)
        self.aligner = Aligner(size, dim)
        self.voice = VoiceEncoder(dim, first, voice)
        self.text = SteeredStack(size, size, blocks=self.options["text_blocks"], **shared)
        self.durations = SteeredStack(size, 1, blocks=self.options["duration_blocks"], **shared)
        self.semantic = SteeredStack(size + 3, first, blocks=self.options["semantic_blocks"], **shared)
        self.acoustic = SteeredStack(size + 3 + first, dim, blocks=self.options["acoustic_blocks"], **shared)
        for name, features in (("semantic", first), ("acoustic", dim)):
            self.register_buffer(f"{name}_spread", torch.ones(features))

    def align(self, text: Tensor, text_lengths: Tensor, frames: Tensor, lengths: Tensor) -> Tensor:
        """Text [B, N], frames [B, T, C] normalized, lengths [B] of both -> log probabilities [B, T, N]."""
        return self.aligner(self.embedding(text), frames, text_lengths, lengths)

    def states(self, text: Tensor, text_lengths: Tensor, voice: Tensor) -> Tensor:
        """Text [B, N], voice [B, V] -> [B, N, channels]."""
        return self.text(self.embedding(text), within(text_lengths, text.shape[1]), voice)

    def log_durations(self, states: Tensor, text_lengths: Tensor, voice: Tensor) -> Tensor:
        """Logarithm of how many frames each character takes, [B, N]. No gradient reaches the states."""
        return self.durations(states.detach(), within(text_lengths, states.shape[1]), voice)[..., 0]

    def frames(self, states: Tensor, durations: Tensor, time: Tensor) -> Tensor:
        """States [B, N, channels], durations [B, N] whole frames, time [B, T] which frames -> [B, T, channels + 3].

        Each frame gets its character's state, how far it is from the character's start and end (0..1), and how long that lasts.
        """
        ends = durations.cumsum(1)
        index = torch.searchsorted(ends, time, right=True).clamp(max=durations.shape[1] - 1)  # [B, T]
        lasting = durations.gather(1, index).clamp(min=1).float()
        since = (time - (ends - durations).gather(1, index) + 0.5) / lasting
        place = torch.stack([since.clamp(0, 1), 1 - since.clamp(0, 1), lasting.log()], dim=-1)
        return torch.cat([states.gather(1, index[..., None].expand(-1, -1, states.shape[2])), place], dim=-1)

    def forward(self, frames: Tensor, mask: Tensor, voice: Tensor, semantic=None) -> Predicted:
        """Coordinates of frames that `frames` made.

        Args:
            frames: [B, T, channels + 3].
            mask: [B, T, 1], 1 where a frame is.
            voice: [B, V].
            semantic: function from the predicted semantic coordinates [B, T, E] to those that the second part builds
                on; None takes them as they are.
        """
        first = self.semantic(frames, mask, voice)
        seen = first if semantic is None else semantic(first)
        return Predicted(first, self.acoustic(torch.cat([frames, seen.detach()], dim=-1), mask, voice))


def whole_durations(log_durations: Tensor, speed: float = 1.0) -> Tensor:
    """[N] -> at least one frame for each character [N] int64, rounded so that the sum keeps its length."""
    ends = (log_durations.exp() / speed).clamp(min=1).cumsum(0).add(0.5).floor().long()
    return torch.diff(ends, prepend=ends.new_zeros(1))
