"""Audio and token files as sources, references and backgrounds of voice conversion and synthesis."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from torch import Tensor

from espnet2_decodec.cli.model import Levels
from espnet2_decodec.cli.pipeline import TOKEN_SUFFIXES, collect_tokens, open_audio, read_audio
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.streaming import concatenate
from espnet2_decodec.conversion.features import VocoderFeatures, decode_features, encode_background, extract_features
from espnet2_decodec.io.audio import AudioReader
from espnet2_decodec.types import Codes
from espnet2_decodec.voice.backgrounds import Background, CodedBackground, RecordedBackground
from espnet2_decodec.voice.prompt import analyze_prompt, prompt_from_codes
from espnet2_decodec.voice.sources import CodedSource, RecordedSource, Source
from espnet2_decodec.voice.speech import Speech


class TokenSources:
    """Tokens of audio and token files.

    Args:
        codec: model of the tokens.
    """

    def __init__(self, codec: DeCodec):
        self.codec = codec

    def blocks(self, path: str | Path, background: bool = True, required: Collection[str] = ()) -> list[Codes]:
        """The tokens of a file in blocks, with or without the background levels; see `collect_tokens`."""
        levels = Levels(speech_levels=None, background_levels=None if background else 0)
        return collect_tokens(self.codec, Path(path), levels, required)

    def codes(self, path: str | Path, background: bool = True, required: Collection[str] = ()) -> Codes:
        """All tokens of a file, on the device of the codec; see `collect_tokens`."""
        blocks = self.blocks(path, background, required)
        return concatenate(blocks, self.codec).to(next(self.codec.parameters()).device)


class FeatureFiles(TokenSources):
    """Vocoder features and backgrounds of files.

    Args:
        codec: with parametric levels.
    """

    def features(self, path: str, codes: Codes | None = None) -> VocoderFeatures:
        """The vocoder features of the speech in a file; those of a token file are decoded from its tokens.

        Args:
            path: audio or token file.
            codes: tokens of the file if they have been read already.
        """
        if _has_tokens(path):
            return decode_features(self.codec, self.codes(path, background=False) if codes is None else codes)
        return extract_features(self.codec, read_audio(open_audio(Path(path), self.codec)))

    def background(self, path: str) -> Callable[[], Iterable[Tensor]]:
        """A function that starts the sequence of background coordinates of a file, blocks [t, D_b]."""
        if _has_tokens(path):
            blocks, quantizer = self.blocks(path, required=("background",)), self.codec.background_quantizer
            device = next(self.codec.parameters()).device
            return lambda: (quantizer.decode(codes.background.to(device))[0].T for codes in blocks)
        reader = open_audio(Path(path), self.codec)
        return lambda: encode_background(self.codec, reader)


class VoiceFiles(TokenSources):
    """Speech, prompts and backgrounds of files for the voice model.

    Args:
        codec: with a semantic level.
    """

    def __init__(self, codec: DeCodec):
        super().__init__(codec)
        self._readers: dict[str, AudioReader] = {}

    def source(self, path: str | Path) -> tuple[Source, float]:
        """The speech in a file, and its duration in seconds, 0 if unknown.

        Raises:
            OSError, ValueError: if it cannot be read.
        """
        if _has_tokens(path):
            codes = self.codes(path, background=False)
            return CodedSource(self.codec, codes), int(codes.lengths[0]) / self.codec.sample_rate
        reader = self._open(path)
        return RecordedSource(self.codec, reader), reader.seconds

    def prompt(self, path: str | Path) -> Speech:
        """The speech of a prompt.

        Raises:
            OSError, ValueError: if it cannot be read, or has no speech; the message names the file.
        """
        if _has_tokens(path):
            codes = self.codes(path)
            return self._named(path, lambda: prompt_from_codes(self.codec, codes))
        reader = self._open(path)
        return self._named(path, lambda: analyze_prompt(self.codec, reader))

    def background(self, path: str | Path) -> Background:
        """The background of a file.

        Raises:
            OSError, ValueError: if it cannot be read.
        """
        if _has_tokens(path):
            return CodedBackground(self.codec, self.blocks(path, required=("background",)))
        return RecordedBackground(self.codec, self._open(path))

    def _open(self, path: str | Path) -> AudioReader:
        """Open an audio file; one that is named twice, such as the standard input, is opened once."""
        if str(path) not in self._readers:
            self._readers[str(path)] = open_audio(Path(path), self.codec)
        return self._readers[str(path)]

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
