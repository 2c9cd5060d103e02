"""Coordinates of speech in the voice of a prompt, from semantic features."""

from dataclasses import dataclass

import torch
from torch import Tensor

from espnet2_decodec.codec.backbones.mdct import MDCTBackbone
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.dsp.pitch import PitchEstimator
from espnet2_decodec.voice.coordinates import (
    amplify,
    interpolate_f0,
    median_octaves,
    relative_pitch,
    set_level,
    speech_level,
    speech_mask,
)
from espnet2_decodec.voice.layers import pad_length
from espnet2_decodec.voice.speech import Speech, semantic_parts
from espnet2_decodec.voice.voice_model import PITCH_DIM, Condition, EncodedPrompt, VoiceModel

LEVEL = 10 ** (-26 / 20)
"""RMS of speech that the voice model was trained with."""

MIN_LEVEL = 1e-4
"""RMS below which there is no speech in a recording: -80 dBFS."""

MAX_PROMPT_FRAMES = 1000
"""Longer prompts are cut: 20 s."""

BLOCK_FRAMES, CONTEXT_FRAMES = 1024, 50
"""Frames that are predicted at a time, and frames before and after them that they depend on.

The layers reach 288 frames; what is more than 50 away changes the coordinates of voice-16k by no more than rounding.
"""


@dataclass(frozen=True)
class Voice:
    """The voice of a prompt, for any number of calls of `predict_coordinates`.

    Attributes:
        prompt: encoded by the voice model, of batch 1.
        octaves: median log f0, see `median_octaves`.
    """

    prompt: EncodedPrompt
    octaves: Tensor


@torch.no_grad()
def encode_voice(model: VoiceModel, codec: DeCodec, prompt: Speech) -> Voice:
    """The voice of a prompt.

    Raises:
        ValueError: if there is no speech in the prompt.
    """
    backbone, _ = semantic_parts(codec)
    if speech_level(prompt.coordinates, backbone) < MIN_LEVEL:
        raise ValueError("There is no speech in the prompt; give a recording of the voice.")
    coordinates = interpolate_f0(set_level(prompt.coordinates, LEVEL, backbone))[:MAX_PROMPT_FRAMES]
    frames = torch.cat([model.normalize(coordinates), prompt.content[:MAX_PROMPT_FRAMES]], dim=1)[None]
    return Voice(model.encode_prompt(frames, torch.ones_like(frames[..., :1])), median_octaves(prompt.coordinates))


@torch.no_grad()
def predict_coordinates(
    model: VoiceModel,
    content: Tensor,
    voice: Voice,
    pitch: Tensor | None = None,
    steps: int = 5,
    temperature: float = 0.7,
    seed: int = 0,
) -> Tensor:
    """Coordinates of speech with this content in a voice.

    Args:
        model: voice model.
        content: [T, S] semantic features.
        voice: from `encode_voice`.
        pitch: [T, 3] from `relative_pitch`; None to predict it.
        steps: of the flow.
        temperature: standard deviation of the noise that the flow starts from.
        seed: of the noise.

    Returns:
        [T, P] at the level `LEVEL`, with interpolated f0.
    """
    noise = torch.randn(
        len(content), model.mean.shape[0], generator=torch.Generator().manual_seed(seed)
    ).to(content) * temperature  # fmt: skip
    mask, parts = content.new_ones(len(content), 1), []
    for start in range(0, len(content), BLOCK_FRAMES):
        first, end = max(start - CONTEXT_FRAMES, 0), min(start + BLOCK_FRAMES, len(content))
        block = slice(first, end + CONTEXT_FRAMES)
        own_content, own_noise, own_mask = (pad_length(x[block]) for x in (content, noise, mask))
        own_pitch = None if pitch is None else pad_length(pitch[block])
        predicted = predict_block(model, own_content, voice, own_pitch, own_noise, steps, own_mask)
        parts.append(predicted[start - first : end - first])
    return torch.cat(parts)


@torch.no_grad()
def predict_block(
    model: VoiceModel,
    content: Tensor,
    voice: Voice,
    pitch: Tensor | None,
    noise: Tensor,
    steps: int,
    mask: Tensor | None = None,
    other: Voice | None = None,
    guidance: float = 0.0,
) -> Tensor:
    """As `predict_coordinates`, at once, from given noise [T, P] and with a mask [T, 1] of valid frames.

    With `other` the flow is guided away from that voice, see `VoiceModel.sample`.
    """
    condition_pitch = content.new_zeros(len(content), PITCH_DIM) if pitch is None else pitch
    valid = None if mask is None else mask[None]

    def condition(of: Voice) -> Condition:
        return model.condition(content[None], condition_pitch[None], of.prompt, valid)

    avoided = condition(other) if other is not None and guidance else None
    normalized = model.sample(condition(voice), noise[None], steps, avoided, guidance)[0]
    coordinates = model.denormalize(normalized)
    if pitch is not None:
        coordinates[:, -2] = PitchEstimator.octave_scale * (pitch[:, 0] + voice.octaves)
        coordinates[:, -1] = PitchEstimator.voicing_scale * pitch[:, 1]
    return coordinates


def speak(
    model: VoiceModel,
    codec: DeCodec,
    content: Tensor,
    prompt: Speech,
    pitch: Tensor | None = None,
    steps: int = 5,
    temperature: float = 0.7,
    seed: int = 0,
) -> Tensor:
    """`predict_coordinates` in the voice of a prompt, of a codec with a semantic level.

    Raises:
        ValueError: if there is no speech in the prompt.
    """
    return predict_coordinates(model, content, encode_voice(model, codec, prompt), pitch, steps, temperature, seed)


@torch.no_grad()
def spectral_bias(model: VoiceModel, codec: DeCodec, prompt: Speech, steps: int = 5, seed: int = 0) -> Tensor:
    """Mean difference between the envelope of a prompt and its prediction by the model: [E] at the level `LEVEL`.

    Each half is predicted with the other half as the prompt.
    """
    backbone, _ = semantic_parts(codec)
    half = len(prompt.content) // 2
    parts = [Speech(prompt.content[x], prompt.coordinates[x]) for x in (slice(half), slice(half, None))]
    gain = LEVEL / max(speech_level(prompt.coordinates, backbone), MIN_LEVEL)
    differences = []
    for own, other in (parts, parts[::-1]):
        if not len(own.content) or speech_level(other.coordinates, backbone) < MIN_LEVEL:
            continue
        actual = interpolate_f0(amplify(own.coordinates, gain, backbone))
        predicted = speak(model, codec, own.content, other, relative_pitch(actual), steps, 0.7, seed)
        differences.append((actual - predicted)[speech_mask(actual, backbone), :-2])
    if not sum(map(len, differences)):
        return torch.zeros_like(prompt.coordinates[0, :-2])
    return torch.cat(differences).mean(0)


def add_bias(coordinates: Tensor, bias: Tensor, backbone: MDCTBackbone) -> Tensor:
    """Coordinates [T, P] with `bias` [E] added to the envelope of the frames with speech."""
    active = speech_mask(coordinates, backbone)[:, None]
    return torch.cat([coordinates[:, :-2] + active * bias, coordinates[:, -2:]], dim=1)


def correct_bias(coordinates: Tensor, bias: Tensor, backbone: MDCTBackbone) -> Tensor:
    """`add_bias` to predicted coordinates [T, P], and the level `LEVEL` again."""
    return set_level(add_bias(coordinates, bias, backbone), LEVEL, backbone)
