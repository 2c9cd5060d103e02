"""The prompt of a voice: a recording or its tokens, checked for speech, without its background and long pauses."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming import first_pieces
from espnet2_decodec.io.audio import AudioReader
from espnet2_decodec.io.gate import SILENT_POWER
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.coordinates import frame_powers
from espnet2_decodec.voice.speech import Speech, analyze_blocks, from_codes, semantic_parts

MIN_PROMPT_SECONDS, MAX_PROMPT_SECONDS = 0.5, 60.0
"""Shorter prompts are refused, longer ones are cut."""

MIN_SPEECH_DB = -60.0
"""dBFS that the loudest half second of the speech must have."""

MIN_SPEECH_TO_BACKGROUND_DB = -12.0
"""Ratio of the loudest half seconds of speech and background below which the speech is leakage of the separation."""

MIN_VOICED_SECONDS = 0.2
"""Voiced speech that there must be."""

ACTIVE_DB, MAX_PAUSE_SECONDS = 40.0, 0.4
"""A frame is part of a pause when its level is so far below that of the loudest one; longer pauses are cut."""


def analyze_prompt(codec: DeCodec, blocks: Iterable[Tensor]) -> Speech:
    """The speech of a prompt, separated from its background and not quantized.

    Args:
        codec: with a semantic level.
        blocks: samples [l] in -1..1 at the codec's sample rate, in order; what follows `MAX_PROMPT_SECONDS` is not
            read.

    Raises:
        ValueError: if the codec has no semantic level, or the recording is too short, silent or without speech.
    """
    samples = 0

    def counted() -> Iterator[Tensor]:
        nonlocal samples
        for wav in first_pieces(blocks, int(MAX_PROMPT_SECONDS * codec.sample_rate)):
            samples += len(wav)
            yield wav

    parts, backgrounds = zip(*analyze_blocks(codec, counted()))
    speech = Speech(torch.cat([x.content for x in parts]), torch.cat([x.coordinates for x in parts]))
    return _checked(codec, speech, torch.cat(backgrounds, dim=2), samples)


@torch.no_grad()
def prompt_from_codes(codec: DeCodec, codes: Codes) -> Speech:
    """The speech of a prompt from the tokens of one recording; errors as in `analyze_prompt` and `from_codes`."""
    frames = int(MAX_PROMPT_SECONDS * codec.frame_rate)
    speech = from_codes(
        codec, replace(codes, speech=codes.speech[..., :frames], background=codes.background[..., :frames])
    )
    background = codec.background_quantizer.decode(codes.background[..., :frames])
    return _checked(codec, speech, background, int(codes.lengths[0]))


def open_recording(codec: DeCodec, recording: str | Path | Tensor, name: str) -> Iterable[Tensor]:
    """Blocks of samples [l] at the sample rate of a codec, for several iterations.

    Args:
        codec: that takes the samples.
        recording: a file, or samples [L].
        name: of the recording, for errors.

    Raises:
        ValueError: if the file cannot be read, or the samples have another shape.
    """
    if isinstance(recording, (str, Path)):
        return AudioReader(recording, codec.sample_rate)
    wav = codec.as_input(recording, name)
    if wav.ndim != 1 or not len(wav):
        raise ValueError(f"Samples of a {name} are [L] with L >= 1, not {tuple(wav.shape)}.")
    return [wav]


def check_duration(seconds: float) -> None:
    """Check that a prompt is not too short.

    Raises:
        ValueError: if it is.
    """
    if seconds < MIN_PROMPT_SECONDS:
        raise ValueError(f"The prompt is {seconds:.2f} s long; give at least {MIN_PROMPT_SECONDS:g} s of speech.")


def _checked(codec: DeCodec, prompt: Speech, background_latent: Tensor, samples: int) -> Speech:
    """The prompt without long pauses, if it has speech over its background [1, D_b, T]."""
    backbone, _ = semantic_parts(codec)
    speech, background = frame_powers(prompt.coordinates, backbone), backbone.frame_power(background_latent)[0]
    check_duration(samples / codec.sample_rate)
    if float(speech.mean() + background.mean()) < SILENT_POWER:
        raise ValueError("The prompt is silent; give a recording of the voice.")
    half_second = max(1, round(codec.frame_rate / 2))
    loudest = [float(F.avg_pool1d(x[None], min(half_second, len(x)), 1).max()) for x in (speech, background)]
    limit = max(10 ** (MIN_SPEECH_DB / 10), loudest[1] * 10 ** (MIN_SPEECH_TO_BACKGROUND_DB / 10))
    active = speech > 10 ** (-ACTIVE_DB / 10) * speech.max()
    voiced = (prompt.coordinates[:, -1] > 0) & active
    if loudest[0] < limit or float(voiced.sum()) < MIN_VOICED_SECONDS * codec.frame_rate:
        raise ValueError("There is no speech in the prompt; give a recording of the voice.")
    margin = round(MAX_PAUSE_SECONDS * codec.frame_rate / 2)
    kept = F.max_pool1d(active[None].float(), 2 * margin + 1, 1, margin)[0] > 0
    return Speech(prompt.content[kept], prompt.coordinates[kept])
