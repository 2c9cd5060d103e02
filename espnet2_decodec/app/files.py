"""Recordings that are uploaded to the page, and the files that it offers; all of them are temporary."""

import re
import shutil
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import torch
from torch import Tensor

from espnet2_decodec.app.processing import Separation
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.evaluation.report.spectrogram import SAMPLE_RATE, save_figure
from espnet2_decodec.io import dcd
from espnet2_decodec.io.audio import AudioReader, AudioWriter, read, share_gain, write
from espnet2_decodec.io.dcd_format import DcdInfo, read_info
from espnet2_decodec.io.gate import Gate
from espnet2_decodec.io.stream_power import silence_power, stream_powers

MIN_SECONDS = 0.1
"""Shorter recordings are refused."""

KEEP_SECONDS = 3600.0
"""Age at which files are removed."""

_PREFIX = "results-"


@dataclass(frozen=True)
class SeparationFiles:
    """Files of a separated recording.

    Attributes:
        mixture: both streams.
        speech: stem.
        background: stem.
        tokens: .dcd file.
        spectrograms: PNG with the spectrograms of the recording and of both stems.
        info: header, presence of the streams and size of the .dcd file.
    """

    mixture: Path
    speech: Path
    background: Path
    tokens: Path
    spectrograms: Path
    info: DcdInfo


class TemporaryFiles:
    """Folders of results below one folder; old ones are removed whenever a new one is made.

    Args:
        root: existing folder, which the caller removes at the end.
        keep_seconds: age at which a folder of results is removed.
    """

    def __init__(self, root: str | Path, keep_seconds: float = KEEP_SECONDS):
        self.root, self.keep_seconds = Path(root), keep_seconds

    def read(self, path: str | Path, sample_rate: int, max_seconds: float) -> Tensor:
        """Read an uploaded recording as mono samples [L]; reading ends at the limit.

        Raises:
            ValueError: if it is not an uploaded file, no audio, or shorter or longer than the limits. Messages have the
                name of the file without its folder.
        """
        path = Path(path).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ValueError("This recording was not uploaded to the page.")
        blocks: list[Tensor] = []
        samples = 0
        try:
            for block in AudioReader(path, sample_rate):
                blocks.append(block)
                samples += len(block)
                if samples > max_seconds * sample_rate:
                    raise ValueError(
                        f"{path.name} is longer than {max_seconds:g} s, the limit of this page; cut it, or restart the "
                        f"page with a larger --max-seconds."
                    )
        except (ValueError, OSError) as problem:
            raise ValueError(str(problem).replace(str(path), path.name)) from None
        if samples < MIN_SECONDS * sample_rate:
            raise ValueError(f"{path.name} is {samples / sample_rate:.2f} s long; {MIN_SECONDS} s are needed.")
        return torch.cat(blocks)

    def new_folder(self) -> Path:
        """Remove the folders that are too old, and make a new one."""
        for folder in self.root.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > self.keep_seconds:
                    shutil.rmtree(folder)
        return Path(mkdtemp(prefix=_PREFIX, dir=self.root))

    def write_sound(self, source: str | Path, label: str, wav: Tensor, sample_rate: int, comment: str = "") -> Path:
        """Write samples [L] to NAME.LABEL.wav, NAME from the file `source`; a sound that would clip is scaled.

        Args:
            source: file of which the name is taken.
            label: second part of the name.
            wav: samples [L].
            sample_rate: Hz.
            comment: for the metadata.
        """
        path = self.new_folder() / f"{_file_name(source)}.{label}.wav"
        write(path, [wav], sample_rate, True, comment)
        return path

    def write_separation(self, source: str | Path, wav: Tensor, result: Separation, codec: DeCodec) -> SeparationFiles:
        """Write all files of a separated recording [L]; names as in `write_sound`."""
        folder, name = self.new_folder(), _file_name(source)
        sounds = {"mixture": result.mixture, "speech": result.speech, "background": result.background}
        paths = {label: folder / f"{name}.{label}.wav" for label in sounds}
        writers = {label: AudioWriter(path, codec.sample_rate, rescale=True) for label, path in paths.items()}
        share_gain(writers.values())
        with ExitStack() as stack:
            for label, sound in sounds.items():
                stack.enter_context(writers[label]).write(sound)
        tokens, figure, recording = folder / f"{name}.dcd", folder / f"{name}.png", folder / "recording.wav"
        levels = result.codes.speech.shape[1], result.codes.background.shape[1]
        device = next(codec.parameters()).device
        with dcd.Writer(tokens, dcd.make_header(codec, *levels), Gate(speech_floor=silence_power(codec))) as writer:
            writer.write(result.codes, *(power.cpu() for power in stream_powers(codec, result.codes.to(device))))
        write(recording, [wav], codec.sample_rate, rescale=True)
        panels = {"recording": recording, "speech": paths["speech"], "background": paths["background"]}
        save_figure(figure, {title: read(path, SAMPLE_RATE).numpy() for title, path in panels.items()})
        recording.unlink()
        return SeparationFiles(**paths, tokens=tokens, spectrograms=figure, info=read_info(tokens))


def _file_name(source: str | Path) -> str:
    """Name of a file without suffix, with safe characters only, at most 60."""
    return re.sub(r"[^\w-]+", "_", Path(source).stem)[:60].strip("_") or "recording"
