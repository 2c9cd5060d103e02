"""Speech in the voice of a prompt."""

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
from espnet2_decodec.voice.speech import Speech, semantic_parts
from espnet2_decodec.voice.voice_model import PITCH_DIM, EncodedPrompt, VoiceModel

LEVEL = 10 ** (-26 / 20)
"""RMS of speech that the voice model was trained with."""

MIN_LEVEL = 1e-4
"""RMS below which there is no speech in a recording: -80 dBFS."""

MAX_PROMPT_FRAMES = 1000
"""Longer prompts are cut: 20 s."""

BLOCK_FRAMES, CONTEXT_FRAMES = 1024, 100
"""Frames that are synthesized at a time, and frames before and after them that they depend on."""


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
    condition_pitch = content.new_zeros(len(content), PITCH_DIM) if pitch is None else pitch
    noise = torch.randn(
        len(content), model.mean.shape[0], generator=torch.Generator().manual_seed(seed)
    ).to(content) * temperature  # fmt: skip
    parts = []
    for start in range(0, len(content), BLOCK_FRAMES):
        first, end = max(start - CONTEXT_FRAMES, 0), start + BLOCK_FRAMES
        block = slice(first, end + CONTEXT_FRAMES)
        condition = model.condition(content[None, block], condition_pitch[None, block], voice.prompt)
        predicted = model.denormalize(model.sample(condition, noise[None, block], steps)[0])
        parts.append(predicted[start - first : end - first])
    coordinates = torch.cat(parts)
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


@torch.no_grad()
def unpredicted_detail(
    model: VoiceModel,
    codec: DeCodec,
    source: Speech,
    pitch: Tensor,
    steps: int = 5,
    temperature: float = 0.7,
    seed: int = 0,
) -> Tensor:
    """Residual of a source's envelope after its prediction from its own content and voice.

    Args:
        model: as in `predict_coordinates`.
        codec: with a semantic level.
        source: with speech.
        pitch: [T, 3] of the source.
        steps: as in `predict_coordinates`.
        temperature: as in `predict_coordinates`.
        seed: as in `predict_coordinates`.

    Returns:
        [T, E] at the level `LEVEL`, of mean zero over the frames with speech.
    """
    backbone, _ = semantic_parts(codec)
    predicted = speak(model, codec, source.content, source, pitch, steps, temperature, seed)
    actual = set_level(interpolate_f0(source.coordinates), LEVEL, backbone)
    residual = (actual - predicted)[:, :-2]
    return residual - residual[speech_mask(actual, backbone)].mean(0)


def add_bias(coordinates: Tensor, bias: Tensor, backbone: MDCTBackbone) -> Tensor:
    """Coordinates [T, P] with `bias` [E] added to the envelope of the frames with speech."""
    active = speech_mask(coordinates, backbone)[:, None]
    return torch.cat([coordinates[:, :-2] + active * bias, coordinates[:, -2:]], dim=1)


@torch.no_grad()
def convert_voice(
    model: VoiceModel,
    codec: DeCodec,
    source: Speech,
    prompt: Speech,
    convert_f0: bool = True,
    detail: float = 0.7,
    bias: float = 1.0,
    steps: int = 5,
    temperature: float = 0.5,
    seed: int = 0,
) -> Speech:
    """The content, intonation, timing and level of the source in the voice of the prompt.

    Args:
        model: voice model.
        codec: with a semantic level.
        source: speech to be converted.
        prompt: speech of the voice.
        convert_f0: whether the median f0 becomes that of the prompt.
        detail: share of the source's `unpredicted_detail` that is added to the result: 0 gives more similarity to the
            voice, 1 more intelligibility.
        bias: share of the prompt's `spectral_bias` that is added to the result.
        steps: as in `predict_coordinates`.
        temperature: as in `predict_coordinates`.
        seed: as in `predict_coordinates`.

    Raises:
        ValueError: if there is no speech in the prompt.
    """
    backbone, _ = semantic_parts(codec)
    own, is_voiced = interpolate_f0(source.coordinates), source.coordinates[:, -1:] > 0
    pitch = relative_pitch(own)
    converted = speak(model, codec, source.content, prompt, pitch, steps, temperature, seed)
    level = speech_level(source.coordinates, backbone)
    if detail and level > MIN_LEVEL:
        converted[:, :-2] += detail * unpredicted_detail(model, codec, source, pitch, steps, temperature, seed)
    if bias:
        converted = add_bias(converted, bias * spectral_bias(model, codec, prompt, steps, seed), backbone)
    log_f0 = (converted if convert_f0 else own)[:, -2:-1]
    pitch_pair = torch.cat([log_f0, source.coordinates[:, -1:]], dim=1) * is_voiced
    converted = torch.cat([converted[:, :-2], pitch_pair], dim=1)
    return Speech(source.content, set_level(converted, level, backbone))
