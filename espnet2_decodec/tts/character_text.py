"""Text to the semantic features of a model of the recipe, for the voice model."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.normalize import split_sentences
from espnet2_decodec.tts.synthesizer import Synthesizer
from espnet2_decodec.voice.speech import Speech, semantic_parts
from espnet2_decodec.voice.text_to_semantic import SemanticOutput


class CharacterText:
    """Characters of any language -> semantic features, as `speak_sentences` takes them.

    Args:
        synthesizer: model of the recipe, whose codec has a semantic level; the rate of speech follows the prompt.

    Raises:
        ValueError: if the codec has no semantic level.
    """

    codebook: Tensor
    silence: int

    def __init__(self, synthesizer: Synthesizer):
        self.synthesizer = synthesizer.eval()
        backbone, self.quantizer = semantic_parts(synthesizer.codec)
        self.codebook = self.quantizer.semantic.level_codebooks()[0]
        with torch.no_grad():
            silence = backbone.semantic_encoder(self.codebook.new_zeros(1, synthesizer.codec.hop * 50))
        self.silence = int(self.quantizer.semantic.encode(silence.transpose(1, 2))[0, 0].mode().values)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "CharacterText":
        """The model in a folder that the recipe exported; errors as in `Synthesizer.from_pretrained` and above."""
        return cls(Synthesizer.from_pretrained(folder))

    def check_codec(self, codec: DeCodec) -> None:
        """Check that a codec has the tokens that the model was trained on.

        Raises:
            ValueError: if not.
        """
        other = semantic_parts(codec)[1].semantic.level_codebooks()[0]
        if other.shape != self.codebook.shape or not torch.allclose(other.cpu(), self.codebook.cpu(), atol=1e-4):
            raise ValueError("The text model was trained on the tokens of another codec than the voice model.")

    def utterances(self, text: str) -> list[str]:
        """Sentences of a text.

        Raises:
            ValueError: if it has unknown characters.
        """
        found = [part for part in split_sentences(text) if re.search(r"\w", part)]
        for part in found:
            self.synthesizer.tokenizer.encode(part)
        return found

    def in_voice(self, prompt: Speech) -> Callable[[str, float, str | None], SemanticOutput]:
        """A function that speaks a sentence as in the prompt: text, speed, style (None) -> features."""
        with torch.no_grad():
            tokens = self.quantizer.semantic.encode(prompt.content.T[None])
            content = self.quantizer.semantic.decode(tokens)[0].T
        return partial(self._speak, torch.cat([content, prompt.coordinates], dim=1))

    @torch.no_grad()
    def _speak(self, prompt: Tensor, text: str, speed: float = 1.0, style: str | None = None) -> SemanticOutput:
        """Features of a sentence in the voice of a prompt [T, C].

        Raises:
            ValueError: if there is a style, or the text or the speed cannot be used.
        """
        if style is not None:
            raise ValueError(f"There is no style {style!r}: models of the recipe have none.")
        features = self.synthesizer.semantic_features(text, prompt.to(self.codebook), speed)
        features = features * (features.square().mean(-1, keepdim=True) + 1e-6).rsqrt()  # norm of the encoder
        return SemanticOutput(features, self.quantizer.semantic.encode(features.T[None])[0, 0])
