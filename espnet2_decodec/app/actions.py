"""Actions of the buttons of the page: uploaded files in; audio files, figures and lines of text out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from espnet2_decodec.app import processing
from espnet2_decodec.app.files import SeparationFiles, TemporaryFiles
from espnet2_decodec.app.processing import Separation
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.tables import markdown_table
from espnet2_decodec.io.dcd_format import DcdInfo
from espnet2_decodec.program import one_line
from espnet2_decodec.tts import TTS, VoiceTTS
from espnet2_decodec.voice import VoiceModel
from espnet2_decodec.voice.tagging import COMMENT

FAILURES = (ValueError, TypeError, OSError, ImportError, RuntimeError, MemoryError, OverflowError)
"""Exceptions that become one line on the page."""


@dataclass(frozen=True)
class Separated:
    """Result of `Actions.separate`.

    Attributes:
        result: samples and tokens, for a remix.
        name: of the uploaded file, from which names of results are made.
        files: that the page plays and offers.
        rates: Markdown table of the bit rates.
        status: one line.
    """

    result: Separation
    name: str
    files: SeparationFiles
    rates: str
    status: str


class Actions:
    """The functions of the page.

    Args:
        codec: the model.
        files: folder of uploads and results.
        max_seconds: limit of a recording.
        tts: text-to-speech model at the sample rate of the codec; None for none.
        voice: voice model and its codec, which convert voices; None to do so by the codec alone.

    Raises:
        ValueError: if the sample rates differ.
    """

    def __init__(
        self,
        codec: DeCodec,
        files: TemporaryFiles,
        max_seconds: float,
        tts: TTS | VoiceTTS | None = None,
        voice: tuple[DeCodec, VoiceModel] | None = None,
    ):
        rates = {"text-to-speech model": tts and tts.sample_rate, "voice model": voice and voice[0].sample_rate}
        for name, rate in rates.items():
            if rate is not None and rate != codec.sample_rate:
                raise ValueError(
                    f"The {name} has {rate} Hz, and the codec has {codec.sample_rate} Hz; "
                    f"give models of one sample rate."
                )
        self.codec, self.files, self.max_seconds, self.tts, self.voice = codec, files, max_seconds, tts, voice

    def separate(
        self, recording: str | None, speech_levels: float, background_levels: float, unquantized: bool
    ) -> Separated:
        """Separate an uploaded file, and write its stems, tokens and spectrograms.

        Args:
            recording: path of the file; None for none.
            speech_levels: levels of the tokens.
            background_levels: the same for the background.
            unquantized: whether the stems are those before quantization.

        Raises:
            ValueError: if there is no file, or it cannot be used.
        """
        wav = self._read(recording, "recording")
        name = Path(str(recording)).name
        result = processing.separate(self.codec, wav, int(speech_levels), int(background_levels), not unquantized)
        files = self.files.write_separation(name, wav, result, self.codec)
        rates = rates_table(self.codec, files.info)
        return Separated(result, name, files, rates, _status(result, len(wav) / self.codec.sample_rate))

    def remix(self, separated: Separated | None, snr: float) -> tuple[Path, str]:
        """Write the stems at another SNR in dB; the file and a line of text.

        Raises:
            ValueError: if nothing was separated, or the SNR cannot be changed.
        """
        if separated is None:
            raise ValueError("Nothing was separated yet; separate a recording first.")
        wav = separated.result.remix(snr)
        path = self.files.write_sound(separated.name, f"remix_{snr:g}_dB", wav, self.codec.sample_rate)
        return path, f"Speech over its background at {snr:g} dB SNR."

    def convert(self, recording: str | None, reference: str | None, keep_background: bool) -> tuple[Path, str]:
        """Write the speech of one uploaded file in the voice of another; the file and a line of text.

        Raises:
            ValueError: if a file is missing or cannot be used, or has no speech.
        """
        wav, voice = self._read(recording, "recording"), self._read(reference, "second recording, of the other voice,")
        codec, model = self.voice or (self.codec, None)
        converted = processing.convert_voice(codec, wav, voice, keep_background, model)
        comment, method = COMMENT, ""
        if model is None:
            comment = ""
            method = f", by {'knn_shift' if codec.parametric_levels else 'knn_codes'} without a voice model"
        path = self.files.write_sound(str(recording), "converted", converted, codec.sample_rate, comment)
        return path, f"{Path(str(recording)).name} in the voice of {Path(str(reference)).name}{method}."

    def say(self, recording: str | None, text: str, keep_background: bool) -> tuple[Path, str]:
        """Synthesize a text in the voice of an uploaded file; the audio file and a line of text.

        Raises:
            ValueError: if there is no model, no file or no text, or one of them cannot be used.
        """
        if self.tts is None:
            raise ValueError("There is no text-to-speech model; restart the page with --tts FOLDER.")
        wav = self._read(recording, "recording")
        output = processing.synthesize(self.tts, text, wav, keep_background)
        path = self.files.write_sound(str(recording), "synthesized", output.mix, output.sample_rate, COMMENT)
        return path, f"{len(output.mix) / output.sample_rate:.1f} s in the voice of {Path(str(recording)).name}."

    def _read(self, path: str | None, what: str) -> Tensor:
        """Samples [L] of an uploaded file."""
        if path is None:
            raise ValueError(f"There is no {what} yet; drop a file or record one.")
        return self.files.read(path, self.codec.sample_rate, self.max_seconds)


def report_failures(action: Callable[..., Sequence[Any]], outputs: int) -> Callable[..., list[Any]]:
    """A function that returns what `action` does, or after an exception of `FAILURES` None for each and its message.

    Args:
        action: returns `outputs` values, the last of which is a line of text.
        outputs: number of values.
    """

    def run(*arguments: Any) -> list[Any]:
        try:
            return list(action(*arguments))
        except FAILURES as problem:
            return [*[None] * (outputs - 1), f"Error: {one_line(problem)}"]

    return run


def rates_table(codec: DeCodec, info: DcdInfo) -> str:
    """Bit rates of a .dcd file: nominal, and as stored, where seconds without a stream cost nothing.

    Args:
        codec: that encoded it.
        info: header, presence of the streams and size of the file.
    """
    rows, total = [], 0.0
    for stream in ("speech", "background"):
        levels = getattr(info.header, f"{stream}_levels")
        total += codec.kbps(levels)
        rows.append([stream, str(levels), f"{codec.kbps(levels):.2f}", f"{info.stream_kbps(stream):.2f}"])
    rows.append(["file", "", f"{total:.2f}", f"{info.kbps():.2f}"])
    table = markdown_table(["stream", "levels", "kbit/s", "stored kbit/s"], rows)
    return "\n".join([*table, "", f"{codec.frame_rate:g} frames a second; the file has {info.size} bytes."])


def _status(result: Separation, seconds: float) -> str:
    """Duration and SNR of a recording in one line, or which stream it lacks."""
    streams = {"speech": result.speech_present, "background": result.background_present}
    missing = [name for name, present in streams.items() if not present]
    if missing:
        return f"{seconds:.1f} s; there is no {' and no '.join(missing)} in this recording."
    return f"{seconds:.1f} s." if result.snr is None else f"{seconds:.1f} s; SNR of the stems {result.snr:.1f} dB."
