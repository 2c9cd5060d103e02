"""Semantic features and a prompt of a voice -> mel envelope, f0 and voicing in that voice."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.serialization import load_model, model_folder, save_model
from espnet2_decodec.voice import flow_matching
from espnet2_decodec.voice.flow_matching import TimeEmbedding
from espnet2_decodec.voice.layers import FiLMConvNeXtBlock
from espnet2_decodec.voice.prompt_encoder import PromptAttention, PromptEncoder
from espnet2_decodec.voice.speech import semantic_parts

KIND = "espnet2_decodec.voice"
"""Kind of the model in its config.json."""

DEFAULT_VOICE_MODEL, DEFAULT_CODEC = "voice-16k", "decodec-16k-semantic"
"""Names of the voice model in the package and of its codec."""

PITCH_DIM = 3
"""Pitch condition of a frame: octaves relative to the median, voicing (0 or 1), and 1 where both are given."""


@dataclass(frozen=True)
class EncodedPrompt:
    """Prompts of a batch after the prompt encoder.

    Attributes:
        frames: [B, T', C].
        mask: [B, T', 1], 1 where a frame is valid.
        voice: [B, V], embedding of the voice.
    """

    frames: Tensor
    mask: Tensor
    voice: Tensor


@dataclass(frozen=True)
class Condition:
    """Input of the flow of a batch, beside the noise.

    Attributes:
        frames: [B, T, C].
        mean: [B, T, P], a regression of the coordinates.
        voice: [B, V].
        mask: [B, T, 1], 1 where a frame is valid.
    """

    frames: Tensor
    mean: Tensor
    voice: Tensor
    mask: Tensor


class VoiceModel(nn.Module):
    """Flow matching of the parametric coordinates of speech, given its semantic features and a prompt.

    A condition encoder attends to the frames of the prompt and regresses the coordinates; a flow (Matcha-TTS, Mehta et
    al., 2023, arXiv 2309.03199; F5-TTS) generates them from noise, the regression and the encoder's output.

    Args:
        content_dim: S, of the semantic features.
        parameters: P, coordinates of a frame: mel envelope, log f0 and voicing.
        channels: C of all blocks.
        condition_blocks, flow_blocks, prompt_blocks: numbers of blocks.
        voice_dim: V, of the voice and time embeddings.
        kernel: of the convolutions, in frames, odd.
        expansion: of the blocks.
        codec: name or folder of the codec that it was trained with.

    Raises:
        ValueError: if there are fewer than two condition blocks.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        content_dim: int = 64,
        parameters: int = 42,
        channels: int = 192,
        condition_blocks: int = 4,
        flow_blocks: int = 6,
        prompt_blocks: int = 2,
        voice_dim: int = 128,
        kernel: int = 7,
        expansion: int = 3,
        codec: str = DEFAULT_CODEC,
    ):
        super().__init__()
        self.options: dict[str, Any] = {
            "content_dim": content_dim, "parameters": parameters, "channels": channels,
            "condition_blocks": condition_blocks, "flow_blocks": flow_blocks, "prompt_blocks": prompt_blocks,
            "voice_dim": voice_dim, "kernel": kernel, "expansion": expansion, "codec": codec,
        }  # fmt: skip
        if condition_blocks < 2:
            raise ValueError(f"condition_blocks must be at least 2, not {condition_blocks}.")
        self.register_buffer("mean", torch.zeros(parameters))
        self.register_buffer("std", torch.ones(parameters))

        def blocks(count: int) -> nn.ModuleList:
            return nn.ModuleList(
                FiLMConvNeXtBlock(channels, kernel, 1 + i % 2, voice_dim, expansion, 0.0) for i in range(count)
            )

        self.prompt_encoder = PromptEncoder(parameters + content_dim, channels, prompt_blocks, voice_dim)
        self.condition_in = nn.Linear(content_dim + PITCH_DIM, channels)
        self.condition_blocks = blocks(condition_blocks)
        self.attention = nn.ModuleList(PromptAttention(channels) for _ in range(2))
        self.regression = nn.Linear(channels, parameters)
        self.time_embedding = TimeEmbedding(voice_dim)
        self.flow_in = nn.Linear(2 * parameters, channels)
        self.flow_blocks = blocks(flow_blocks)
        self.flow_norm = nn.LayerNorm(channels)
        self.flow_out = nn.Linear(channels, parameters)
        nn.init.zeros_(self.flow_out.weight)
        nn.init.zeros_(self.flow_out.bias)

    @classmethod
    def from_pretrained(cls, path: str | Path) -> "VoiceModel":
        """The model in a folder written by `save_pretrained`, or the one with this name in the package.

        It is on the CPU, in float32 and in eval mode.

        Raises:
            FileNotFoundError: if the folder, its config.json or its weights are missing.
            ValueError: if a file is damaged, or the config is not one of a voice model.
        """
        return load_model(model_folder(path, kinds=(KIND,)), KIND, lambda config: cls(**config))

    def save_pretrained(
        self,
        folder: str | Path,
        half: bool = False,
        shard_megabytes: float | None = None,
        int8: Collection[str] = (),
    ) -> None:
        """Write config.json and the weights to `folder`; arguments and errors as for `serialization.save_model`."""
        save_model(folder, self.options, self.state_dict(), half, shard_megabytes, KIND, int8)

    def check_codec(self, codec: DeCodec) -> None:
        """Check that the features are of the sizes that a codec has.

        Raises:
            ValueError: if the codec has no semantic level, or features of other sizes.
        """
        backbone, _ = semantic_parts(codec)
        own = self.options["content_dim"], self.options["parameters"]
        if own != (backbone.content_dim, backbone.parametric_dim):
            raise ValueError(
                f"The voice model does not fit the codec: it has {own[0]} + {own[1]} features per frame, the codec "
                f"{backbone.content_dim} + {backbone.parametric_dim}. It was trained with {self.options['codec']}."
            )

    def normalize(self, coordinates: Tensor) -> Tensor:
        """Coordinates [..., P] to zero mean and unit variance."""
        return (coordinates - self.mean) / self.std

    def denormalize(self, normalized: Tensor) -> Tensor:
        """The inverse of `normalize`."""
        return normalized * self.std + self.mean

    def encode_prompt(self, prompt: Tensor, mask: Tensor) -> EncodedPrompt:
        """Encode prompts.

        Args:
            prompt: [B, T', P + S] normalized coordinates and semantic features.
            mask: [B, T', 1], 1 where a frame of the prompt is valid.
        """
        frames, voice = self.prompt_encoder(prompt, mask)
        return EncodedPrompt(frames, mask, voice)

    def condition(self, content: Tensor, pitch: Tensor, prompt: EncodedPrompt, mask: Tensor | None = None) -> Condition:
        """Encode semantic features and pitch, given the prompt.

        Args:
            content: [B, T, S] semantic features, quantized or not.
            pitch: [B, T, 3], see `PITCH_DIM`; zeros where the pitch is not given.
            prompt: from `encode_prompt`.
            mask: [B, T, 1], 1 where a frame is valid; None for all.
        """
        x = self.condition_in(torch.cat([content, pitch], dim=-1))
        valid = torch.ones_like(x[..., :1]) if mask is None else mask
        first = len(self.condition_blocks) - len(self.attention)
        for i, block in enumerate(self.condition_blocks):
            if i >= first:
                x = self.attention[i - first](x, prompt.frames, prompt.mask)
            x = block(x, valid, prompt.voice)
        return Condition(x, self.regression(x), prompt.voice, valid)

    def velocity(self, x: Tensor, time: Tensor, condition: Condition) -> Tensor:
        """Velocity [B, T, P] of the flow at points [B, T, P] and times [B]."""
        embedding = condition.voice + self.time_embedding(time)
        y = self.flow_in(torch.cat([x, condition.mean.detach()], dim=-1)) + condition.frames
        for block in self.flow_blocks:
            y = block(y, condition.mask, embedding)
        return self.flow_out(self.flow_norm(y))

    def losses(
        self, target: Tensor, condition: Condition, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Flow matching loss, and mean absolute error of the regression, of normalized coordinates [B, T, P]."""
        noise = torch.randn(target.shape, generator=generator, device=target.device)
        time = torch.rand(len(target), generator=generator, device=target.device)
        x, velocity = flow_matching.interpolate(target, noise, time)
        predicted = self.velocity(x, time, condition)
        return {
            "flow": (predicted - velocity).square().mean(),
            "regression": (condition.mean - target).abs().mean(),
        }

    @torch.no_grad()
    def sample(
        self,
        condition: Condition,
        noise: Tensor,
        steps: int = 5,
        other: Condition | None = None,
        guidance: float = 0.0,
    ) -> Tensor:
        """Normalized coordinates [B, T, P]; see `flow_matching.sample`.

        Args:
            condition: of the flow.
            noise: [B, T, P].
            steps: number of steps.
            other: condition that the flow is guided away from, as by classifier-free guidance (Ho and Salimans, 2022,
                arXiv 2207.12598) from the unconditional one; None for no guidance.
            guidance: share of the difference of the velocities given both conditions that is added.
        """

        def velocity(x: Tensor, time: Tensor) -> Tensor:
            found = self.velocity(x, time, condition)
            if other is None:
                return found
            return found + guidance * (found - self.velocity(x, time, other))

        return flow_matching.sample(velocity, noise, steps)
