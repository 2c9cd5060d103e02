"""English text to the features of the semantic level."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from espnet2_decodec.codec.serialization import load_model, model_folder, read_config, save_model
from espnet2_decodec.data.normalize import PUNCTUATION, normalize_english, split_sentences
from espnet2_decodec.voice.speech import Speech
from espnet2_decodec.voice.text_g2p import GraphemeToPhone
from espnet2_decodec.voice.text_lexicon import LEXICON, Pronouncer, Pronunciations, read_lexicon, write_lexicon
from espnet2_decodec.voice.text_model import TextModel
from espnet2_decodec.voice.text_phones import PHONE_IDS, split_words

KIND = "espnet2_decodec.text"
"""Kind of the model in its config.json."""

MAX_WORDS = 40
"""Longer sentences are cut at a comma, or between words."""

SPEEDS = (0.4, 2.5)
"""Range of the speaking rate."""

PAUSE_SECONDS = 0.1
"""Silence between sentences, in addition to that at their ends."""

LEADING_SECONDS = 0.4
"""Silence before each sentence, with which the first word is more intelligible."""

SPEAKING_RATE = 0.9
"""Speaking rate relative to that of the training speech: slower speech is recognized better."""

LANGUAGES = ("en",)


@dataclass(frozen=True)
class SemanticOutput:
    """Features of synthesized speech.

    Attributes:
        embeddings: [T, S] semantic features of norm sqrt(S), not quantized.
        tokens: [T] int64, the most probable token of each frame.
    """

    embeddings: Tensor
    tokens: Tensor


class TextToSemantic(nn.Module):
    """Text of a language to the semantic level of speech: normalization, pronunciation, durations, tokens.

    Args:
        language: of the text, one of `LANGUAGES`.
        styles: names of the styles of speaking; the first one is the default.
        frame_rate: frames per second.
        silence: token of silence, for pauses.
        model: options of `TextModel`.
        g2p: options of `GraphemeToPhone`.
        lexicon: word -> phones.

    Raises:
        ValueError: if the language is not supported, or there is no style.
    """

    codebook: Tensor

    def __init__(
        self,
        language: str,
        styles: list[str],
        frame_rate: float,
        silence: int,
        model: dict,
        g2p: dict,
        lexicon: Pronunciations,
    ):
        super().__init__()
        if language not in LANGUAGES or not styles:
            raise ValueError(f"The language must be one of {', '.join(LANGUAGES)}, not {language}, with a style.")
        self.language, self.styles, self.frame_rate, self.silence = language, list(styles), frame_rate, silence
        self.model = TextModel(styles=len(styles), **model)
        self.g2p = GraphemeToPhone(**g2p)
        self.config = {
            "language": language, "styles": list(styles), "frame_rate": frame_rate, "silence": silence,
            "model": dict(model), "g2p": dict(g2p),
        }  # fmt: skip
        self.lexicon = lexicon
        self.pronouncer = Pronouncer(lexicon, self.g2p.pronounce)
        self.register_buffer("codebook", torch.zeros(self.model.options["codes"], self.model.options["feature_dim"]))

    @classmethod
    def from_pretrained(cls, path: str | Path) -> "TextToSemantic":
        """The model in a folder written by `save_pretrained`, or the one with this name in the package.

        It is on the CPU, in float32 and in eval mode.

        Raises:
            FileNotFoundError: if the folder, its config.json, its lexicon or its weights are missing.
            ValueError: if a file is damaged, or the config is not one of such a model.
        """
        folder = model_folder(path, kinds=(KIND,))
        read_config(folder, KIND)  # so that an error names a model of another kind
        lexicon = read_lexicon(folder / LEXICON)
        return load_model(folder, KIND, lambda config: cls(**config, lexicon=lexicon))

    def save_pretrained(
        self,
        folder: str | Path,
        half: bool = False,
        shard_megabytes: float | None = None,
        int8: Collection[str] = (),
    ) -> None:
        """Write config.json, the weights and the lexicon; arguments and errors as for `serialization.save_model`."""
        save_model(folder, self.config, self.state_dict(), half, shard_megabytes, KIND, int8)
        write_lexicon(Path(folder) / LEXICON, self.lexicon)

    def utterances(self, text: str) -> list[str]:
        """See the function `utterances`."""
        return utterances(text)

    def in_voice(self, prompt: Speech) -> Callable[[str, float, str | None], SemanticOutput]:
        """This model, whose speaking style does not depend on the prompt."""
        return self

    @torch.no_grad()
    def forward(self, text: str, speed: float = 1.0, style: str | None = None) -> SemanticOutput:
        """Features of a text of any length, with a pause between sentences.

        Args:
            text: to be synthesized.
            speed: speaking rate; 2 is twice as fast.
            style: one of `styles`; None for the first.

        Raises:
            ValueError: if the text has no word or unknown letters, or speed or style is out of range.
        """
        check_speed(speed, SPEEDS)
        if style is not None and style not in self.styles:
            raise ValueError(f"There is no style {style!r}; there are {', '.join(self.styles)}.")
        number = self.styles.index(style or self.styles[0])
        normalize_english(text)  # an error about the whole text, before any of it is synthesized
        pause = torch.full((round(PAUSE_SECONDS * self.frame_rate / speed),), self.silence)
        tokens: list[Tensor] = []
        embeddings: list[Tensor] = []
        for sentence in utterances(text):
            found = self.utterance(sentence, speed, number)
            tokens += [found.tokens, pause]
            embeddings += [found.embeddings, self.codebook[pause]]
        return SemanticOutput(torch.cat(embeddings[:-1]), torch.cat(tokens[:-1]))

    def utterance(self, utterance: str, speed: float, style: int) -> SemanticOutput:
        """Features of an utterance of normalized text, one of the results of `utterances`, in style number `style`."""
        phones = torch.tensor([[PHONE_IDS[phone] for phone in self.pronouncer(utterance)]])
        length, styles = torch.tensor([phones.shape[1]]), torch.tensor([style])
        hidden = self.model.encode(phones, length, styles)
        durations = self.model.log_durations(hidden, length, styles).exp() / (SPEAKING_RATE * speed)
        time = torch.arange(max(1, int(durations.sum().round())))[None]
        logits, difference = self.model(hidden, durations, time, torch.ones(1, time.shape[1], 1), styles)
        features = self.embed(logits, difference)[0]
        features = features * (features.square().mean(-1, keepdim=True) + 1e-6).rsqrt()  # norm of the encoder
        leading = torch.zeros(round(LEADING_SECONDS * self.frame_rate), dtype=torch.long)
        order = torch.cat([leading, time[0]])  # the first frame is repeated
        return SemanticOutput(features[order], logits[0].argmax(-1)[order])

    def embed(self, logits: Tensor, difference: Tensor) -> Tensor:
        """Semantic features [..., S] from logits [..., N] and differences [..., S] of `TextModel`."""
        return logits.softmax(-1) @ self.codebook + difference


def check_speed(speed: float, limits: tuple[float, float]) -> None:
    """Raise a ValueError if a speaking rate is out of range, or not a number."""
    if not limits[0] <= speed <= limits[1]:
        raise ValueError(f"speed must be within {limits[0]:g}..{limits[1]:g}, not {speed:g}.")


def utterances(text: str) -> list[str]:
    """Normalized sentences of a text, each with a final mark and at most `MAX_WORDS` words."""
    parts: list[str] = []
    for sentence in split_sentences(text):
        if any(c.isalnum() for c in sentence):
            words = split_words(normalize_english(sentence))
            if words[-1] not in ".?!":
                words.append(".")
            parts += [_join(part) for part in _cut(words)]
    return parts


def _cut(words: list[str]) -> Iterator[list[str]]:
    """Cut words with punctuation at the last comma before the limit, or at the limit; a mark stays with its word."""
    start = 0
    while len(words) - start > MAX_WORDS:
        limit = start + MAX_WORDS
        end = next((i + 1 for i in range(limit - 1, start + MAX_WORDS // 4 - 1, -1) if words[i] == ","), limit)
        end += words[end : end + 1] != [] and words[end] in PUNCTUATION
        yield words[start:end]
        start = end
    if start < len(words):
        yield words[start:]


def _join(words: list[str]) -> str:
    """Words and punctuation -> text."""
    return re.sub(r" ([,.?!])", r"\1", " ".join(words))
