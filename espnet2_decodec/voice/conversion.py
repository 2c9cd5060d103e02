"""Speech in the voice of a prompt."""

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
    speech_frames,
    speech_level,
)
from espnet2_decodec.voice.speech import Speech, semantic_parts
from espnet2_decodec.voice.voice_model import PITCH_DIM, VoiceModel

LEVEL = 10 ** (-26 / 20)
"""RMS of speech that the voice model was trained with."""

MIN_LEVEL = 1e-4
"""RMS below which there is no speech in a recording: -80 dBFS."""

MAX_PROMPT_FRAMES = 1000
"""Longer prompts are cut: 20 s."""

BLOCK_FRAMES, CONTEXT_FRAMES = 1024, 100
"""Frames that are synthesized at a time, and frames before and after them that they depend on."""


@torch.no_grad()
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
    """Coordinates of speech with this content in the voice of the prompt.

    Args:
        model: voice model.
        codec: with a semantic level.
        content: [T, S] semantic features.
        prompt: speech of the voice.
        pitch: [T, 3] from `relative_pitch`; None to predict it.
        steps: of the flow.
        temperature: standard deviation of the noise that the flow starts from.
        seed: of the noise.

    Returns:
        [T, P] at the level `LEVEL`, with interpolated f0.

    Raises:
        ValueError: if there is no speech in the prompt.
    """
    backbone, _ = semantic_parts(codec)
    level = speech_level(prompt.coordinates, backbone)
    if level < MIN_LEVEL:
        raise ValueError("There is no speech in the prompt; give a recording of the voice.")
    voice = interpolate_f0(amplify(prompt.coordinates, LEVEL / level, backbone))[:MAX_PROMPT_FRAMES]
    frames = torch.cat([model.normalize(voice), prompt.content[:MAX_PROMPT_FRAMES]], dim=1)[None]
    mask = torch.ones_like(frames[..., :1])
    given = content.new_zeros(len(content), PITCH_DIM) if pitch is None else pitch
    noise = torch.randn(
        len(content), model.mean.shape[0], generator=torch.Generator().manual_seed(seed)
    ).to(content) * temperature  # fmt: skip
    parts = []
    for start in range(0, len(content), BLOCK_FRAMES):
        first, end = max(start - CONTEXT_FRAMES, 0), start + BLOCK_FRAMES
        block = slice(first, end + CONTEXT_FRAMES)
        condition = model.condition(content[None, block], given[None, block], frames, mask)
        found = model.denormalize(model.sample(condition, noise[None, block], steps)[0])
        parts.append(found[start - first : end - first])
    coordinates = torch.cat(parts)
    if pitch is not None:
        coordinates[:, -2] = PitchEstimator.octave_scale * (pitch[:, 0] + median_octaves(prompt.coordinates))
        coordinates[:, -1] = PitchEstimator.voicing_scale * pitch[:, 1]
    return coordinates


@torch.no_grad()
def spectral_bias(model: VoiceModel, codec: DeCodec, prompt: Speech, steps: int = 5, seed: int = 0) -> Tensor:
    """Mean difference between the envelope of a prompt and what the model predicts of it: [E] at the level `LEVEL`.

    Each half is predicted with the other half as the prompt.
    """
    backbone, _ = semantic_parts(codec)
    half = len(prompt.content) // 2
    parts = [Speech(prompt.content[x], prompt.coordinates[x]) for x in (slice(half), slice(half, None))]
    level = speech_level(prompt.coordinates, backbone)
    differences = []
    for own, other in (parts, parts[::-1]):
        if not len(own.content) or speech_level(other.coordinates, backbone) < MIN_LEVEL:
            continue
        actual = interpolate_f0(amplify(own.coordinates, LEVEL / level, backbone))
        predicted = speak(model, codec, own.content, other, relative_pitch(actual), steps, 0.7, seed)
        differences.append((actual - predicted)[speech_frames(actual, backbone), :-2])
    found = torch.cat(differences) if differences else prompt.coordinates[:, :-2]
    return found.mean(0) if differences and len(found) else torch.zeros_like(prompt.coordinates[0, :-2])


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
    """What the model does not predict of a source's envelope from its content and voice.

    Args:
        model: as in `speak`.
        codec: as in `speak`.
        source: with speech.
        pitch: [T, 3] of the source.
        steps: as in `speak`.
        temperature: as in `speak`.
        seed: as in `speak`.

    Returns:
        [T, E] at the level `LEVEL`, of mean zero over the frames with speech.
    """
    backbone, _ = semantic_parts(codec)
    predicted = speak(model, codec, source.content, source, pitch, steps, temperature, seed)
    level = speech_level(source.coordinates, backbone)
    actual = amplify(interpolate_f0(source.coordinates), LEVEL / level, backbone)
    residual = (actual - predicted)[:, :-2]
    return residual - residual[speech_frames(actual, backbone)].mean(0)


def add_bias(coordinates: Tensor, bias: Tensor, backbone: MDCTBackbone) -> Tensor:
    """Coordinates [T, P] with `bias` [E] added to the envelope of the frames with speech."""
    active = speech_frames(coordinates, backbone)[:, None]
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
        detail: share of the source's `unpredicted_detail` that is added to the result: 0 is nearer to the voice, 1 is
            better understood.
        bias: share of the prompt's `spectral_bias` that is added to the result.
        steps: as in `speak`.
        temperature: as in `speak`.
        seed: as in `speak`.

    Raises:
        ValueError: if there is no speech in the prompt.
    """
    backbone, _ = semantic_parts(codec)
    own = interpolate_f0(source.coordinates)
    voiced = source.coordinates[:, -1:] > 0
    pitch = relative_pitch(torch.cat([own[:, :-1], source.coordinates[:, -1:]], dim=1))
    found = speak(model, codec, source.content, prompt, pitch, steps, temperature, seed)
    level = speech_level(source.coordinates, backbone)
    if detail and level > MIN_LEVEL:
        found[:, :-2] += detail * unpredicted_detail(model, codec, source, pitch, steps, temperature, seed)
    if bias:
        found = add_bias(found, bias * spectral_bias(model, codec, prompt, steps, seed), backbone)
    pitch_pair = torch.cat([found[:, -2:-1] if convert_f0 else own[:, -2:-1], source.coordinates[:, -1:]], dim=1)
    found = torch.cat([found[:, :-2], pitch_pair * voiced], dim=1)
    return Speech(source.content, set_level(found, level, backbone))
