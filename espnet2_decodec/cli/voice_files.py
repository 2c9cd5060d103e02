"""Audio and token files as sources, prompts and backgrounds of the voice model."""

from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor

from espnet2_decodec.cli.model import Levels
from espnet2_decodec.cli.pipeline import TOKEN_SUFFIXES, collect_tokens, open_audio, read_audio
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming import concatenate
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.backgrounds import Background, CodedBackground, RecordedBackground
from espnet2_decodec.voice.prompt import analyze_prompt, prompt_from_codes
from espnet2_decodec.voice.speech import Speech, analyze, from_codes

ALL_LEVELS = Levels(speech_levels=None, background_levels=None)


class VoiceFiles:
    """Speech and backgrounds of files.

    Args:
        codec: with a semantic level.
    """

    def __init__(self, codec: DeCodec):
        self.codec = codec

    def speech(self, path: str | Path) -> tuple[Speech, int]:
        """The speech in a file, and its number of samples.

        Raises:
            OSError, ValueError: if it cannot be read.
        """
        if _has_tokens(path):
            codes = self._codes(path)
            return from_codes(self.codec, codes), int(codes.lengths[0])
        samples = 0

        def counted() -> Iterator[Tensor]:
            nonlocal samples
            for wav in read_audio(open_audio(Path(path), self.codec)):
                samples += len(wav)
                yield wav

        return analyze(self.codec, counted()), samples

    def prompt(self, path: str | Path) -> Speech:
        """The speech of a prompt.

        Raises:
            OSError, ValueError: if it cannot be read, or has no speech; the message names the file.
        """
        if _has_tokens(path):
            codes = self._codes(path)
            return self._named(path, lambda: prompt_from_codes(self.codec, codes))
        reader = open_audio(Path(path), self.codec)
        return self._named(path, lambda: analyze_prompt(self.codec, reader))

    def background(self, path: str | Path) -> Background:
        """The background of a file.

        Raises:
            OSError, ValueError: if it cannot be read.
        """
        if _has_tokens(path):
            return CodedBackground(self.codec, collect_tokens(self.codec, Path(path), ALL_LEVELS))
        return RecordedBackground(self.codec, open_audio(Path(path), self.codec))

    def _codes(self, path: str | Path) -> Codes:
        """All tokens of a file, on the device of the codec."""
        codes = concatenate(collect_tokens(self.codec, Path(path), ALL_LEVELS), self.codec)
        return codes.to(next(self.codec.parameters()).device)

    @staticmethod
    def _named(path: str | Path, call: Callable[[], Speech]) -> Speech:
        """The result of a call; its error begins with the name of the file."""
        try:
            return call()
        except ValueError as error:
            text = str(error)
            raise ValueError(text if str(path) in text else f"{path}: {text}") from None


def _has_tokens(path: str | Path) -> bool:
    """Whether a file has tokens, by its suffix."""
    return Path(path).suffix.lower() in TOKEN_SUFFIXES
