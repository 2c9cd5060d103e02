"""Systems that are compared: recordings, the models of the package from several points on, and their peers."""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from espnet2_decodec.tts.voice_tts import VoiceTTS
from espnet2_decodec.voice.conversion import correct_bias, speak, spectral_bias
from espnet2_decodec.voice.speech import Speech, analyze, semantic_parts, synthesize
from research.voice.comparison_sets import Sentence
from research.voice.peers import PEERS

RECORDED = ("recording", "copy", "voice")
"""Systems that need a recording of the text."""
SYSTEMS = (*RECORDED, "say", *PEERS)
"""Names of all systems, in the order of the table."""
LABELS = {
    "recording": "recordings",
    "copy": "copy synthesis",
    "voice": "voice model on features of the recordings",
    "say": "`decodec say`",
    "hibari": "hibari-tts",
    "piper": "Piper, en_US-joe-medium",
    "festival-hts": "Festival, slt (HTS)",
    "festival": "Festival, kal (diphones)",
    "flite": "Flite, slt",
    "espeak-ng": "eSpeak NG, en-us",
}
"""Name of a system -> its name in documents."""

SystemFunction = Callable[[Sentence], Tensor]
"""Sentence -> samples [L] at 16 kHz."""


class PackageSystems:
    """The models of the package, loaded when they are first used.

    Args:
        text_model: name or folder.
        voice_model: name or folder.
        codec: name or folder; None for the one of the voice model.
    """

    def __init__(self, text_model: str, voice_model: str, codec: str | None):
        self.names = text_model, voice_model, codec

    @cached_property
    def tts(self) -> VoiceTTS:
        """All three models."""
        return VoiceTTS.from_pretrained(*self.names)

    @property
    def version(self) -> str:
        """Names of the models."""
        return ", ".join(name for name in self.names if name)

    def recording(self, sentence: Sentence) -> Tensor:
        """The recording as it is."""
        return _recording(sentence)

    @torch.no_grad()
    def copy(self, sentence: Sentence) -> Tensor:
        """The recording, analyzed and synthesized: semantic tokens, and the other coordinates as they are."""
        recording = _recording(sentence)
        speech = analyze(self.tts.codec, [recording])
        return torch.cat(list(synthesize(self.tts.codec, [speech], len(recording))))

    @torch.no_grad()
    def voice(self, sentence: Sentence) -> Tensor:
        """The semantic features of the recording in its voice, whose coordinates the voice model predicts."""
        codec, model = self.tts.codec, self.tts.voice_model
        backbone, prompt = semantic_parts(codec)[0], self.tts.read_prompt(sentence.voice)
        content = analyze(codec, [_recording(sentence)]).content
        bias = spectral_bias(model, codec, prompt)
        speech = Speech(content, correct_bias(speak(model, codec, content, prompt), bias, backbone))
        return torch.cat(list(synthesize(codec, [speech])))

    def say(self, sentence: Sentence) -> Tensor:
        """The text in the voice of the sentence, as `decodec say` speaks it."""
        return self.tts(sentence.text, sentence.voice).speech


def build_system(name: str, package: PackageSystems) -> tuple[SystemFunction, str]:
    """The system of this name, and its version.

    Raises:
        Unavailable: if a package or a program is missing; the message says what to install.
    """
    if name in PEERS:
        peer = PEERS[name]()
        return (lambda sentence: peer(sentence.text)), peer.version
    return getattr(package, name), package.version if name != RECORDED[0] else ""


def _recording(sentence: Sentence) -> Tensor:
    """The recording [L].

    Raises:
        ValueError: if there is none.
    """
    if sentence.recording is None:
        raise ValueError("This system needs a recording of the text.")
    return sentence.recording
