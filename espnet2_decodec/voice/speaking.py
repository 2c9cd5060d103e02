"""Text in the voice of a prompt, sentence by sentence."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.voice.conversion import correct_bias, encode_voice, predict_coordinates, spectral_bias
from espnet2_decodec.voice.coordinates import scale_pitch_range
from espnet2_decodec.voice.speech import Speech, semantic_parts
from espnet2_decodec.voice.text_to_semantic import SemanticOutput, utterances
from espnet2_decodec.voice.voice_model import VoiceModel

SENTENCE_PAUSE, PARAGRAPH_PAUSE = 0.1, 0.45
"""Seconds of silence between sentences and between paragraphs, in addition to that at the ends of sentences."""

MAX_PITCH_RANGE = 3.0


@dataclass(frozen=True)
class Sentence:
    """A sentence with the pause after it.

    Attributes:
        text: normalized, see `normalize_english`.
        pause: seconds of silence after it.
    """

    text: str
    pause: float


class SentenceModel(Protocol):
    """Text to semantic features.

    Attributes:
        codebook: [N, S] of the first level.
        silence: token of silence.
    """

    codebook: Tensor
    silence: int

    def utterances(self, text: str) -> list[str]:
        """Sentences of a text, in parts where they are long; ValueError if it has unknown characters."""

    def in_voice(self, prompt: Speech) -> Callable[[str, float, str | None], SemanticOutput]:
        """A function from a sentence, speaking rate and style to features, with the speaking style of the prompt."""


def split_text(text: str, utterances: Callable[[str], list[str]] = utterances) -> list[Sentence]:
    """Sentences of a text. Blank lines separate paragraphs.

    Args:
        text: of any length.
        utterances: function from a paragraph to its sentences, in parts where they are long.

    Raises:
        ValueError: if the text has no word, or letters that the model does not know.
    """
    sentences: list[Sentence] = []
    for paragraph in re.split(r"\n\s*\n", text):
        found = [Sentence(part, SENTENCE_PAUSE) for part in utterances(paragraph)]
        sentences += found[:-1] + [Sentence(last.text, PARAGRAPH_PAUSE) for last in found[-1:]]
    if not sentences:
        raise ValueError("There is nothing to synthesize: the text has no word.")
    return [*sentences[:-1], Sentence(sentences[-1].text, 0.0)]


def check_pitch_range(factor: float) -> None:
    """Raise a ValueError if a factor of the intonation is out of range, or not a number."""
    if not 0 <= factor <= MAX_PITCH_RANGE:
        raise ValueError(f"The pitch range must be within 0..{MAX_PITCH_RANGE:g}, not {factor:g}.")


def speak_sentences(
    text_model: SentenceModel,
    model: VoiceModel,
    codec: DeCodec,
    sentences: Iterable[Sentence],
    prompt: Speech,
    speed: float = 1.0,
    pitch_range: float = 1.0,
    style: str | None = None,
    bias: float = 1.0,
    steps: int = 5,
    temperature: float = 0.7,
    seed: int = 0,
) -> Iterator[Speech]:
    """Speech of each sentence, and of the pause after it, for `synthesize`.

    Args:
        text_model: for the semantic features.
        model: voice model.
        codec: with a semantic level.
        sentences: from `split_text`.
        prompt: speech of the voice.
        speed: speaking rate; 2 is twice as fast.
        pitch_range: factor of the intonation, within 0..3: 0 is monotonous.
        style: of the text model.
        bias: share of the prompt's `spectral_bias` that is added.
        steps: of the flow, see `predict_coordinates`.
        temperature: of the flow.
        seed: of the noise.

    Raises:
        ValueError: if speed, pitch range or style are out of range, or there is no speech in the prompt.
    """
    check_pitch_range(pitch_range)
    backbone, _ = semantic_parts(codec)
    speak, silence = text_model.in_voice(prompt), text_model.codebook[text_model.silence]
    correction, voice = bias * spectral_bias(model, codec, prompt, steps, seed), encode_voice(model, codec, prompt)
    for number, sentence in enumerate(sentences):
        content = speak(sentence.text, speed, style).embeddings.to(prompt.content)
        coordinates = predict_coordinates(model, content, voice, None, steps, temperature, seed + number)
        corrected = correct_bias(coordinates, correction, backbone)
        yield Speech(content, scale_pitch_range(corrected, pitch_range))
        pause = round(sentence.pause / speed * codec.frame_rate)
        if pause:
            yield Speech(silence.to(content).expand(pause, -1), content.new_zeros(pause, backbone.parametric_dim))
