"""Opus through its own programs, or ffmpeg where they are not installed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from torch import Tensor

from espnet2_decodec.evaluation.systems.base import System, Unavailable
from espnet2_decodec.evaluation.systems.identity import hash_source
from espnet2_decodec.io.audio import read

MIN_SAMPLES = 1600
"""Samples to which the input is padded with zeros: ffmpeg returns nothing for shorter files."""


class Opus(System):
    """Opus at a constant bit rate: the decoded mixture, for every target.

    The programs compensate for the delay of Opus. The rate is that of the packets, without the file format.

    Args:
        kbps: 6 to 256 kbit/s.

    Raises:
        ValueError: if the rate is out of range.
        Unavailable: if neither opusenc and opusdec nor ffmpeg are installed.
    """

    def __init__(self, kbps: float):
        if not 6 <= kbps <= 256:
            raise ValueError(f"Opus takes 6 to 256 kbit/s, not {kbps:g}.")
        self.rate = kbps
        if shutil.which("opusenc") and shutil.which("opusdec"):
            self.tool, command = "opusenc", ["opusenc", "--version"]
        elif shutil.which("ffmpeg"):
            self.tool, command = "ffmpeg", ["ffmpeg", "-version"]
        else:
            raise Unavailable(
                "the programs opusenc and opusdec are not installed (apt-get install opus-tools, or ffmpeg)."
            )
        self.version = _run(command).splitlines()[0]

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> "Opus":
        """From [KBPS] of a spec."""
        try:
            return cls(*map(float, arguments))
        except TypeError:
            raise ValueError("Opus takes one bit rate in kbit/s, as in opus:8.") from None

    def kbps(self, target: str) -> float:
        """The same for all targets."""
        return self.rate

    def identity(self) -> dict[str, str]:
        """Rate and program."""
        return {
            "kind": "opus",
            "kbps": f"{self.rate:g}",
            "program": self.version,
            "code": hash_source("evaluation/systems/opus.py"),
        }

    def process(self, wav: Tensor) -> dict[str, Tensor]:
        """[L] -> the decoded mixture [L] for every target."""
        with tempfile.TemporaryDirectory() as folder:
            plain, packed, decoded = (Path(folder) / name for name in ("in.wav", "packed.opus", "out.wav"))
            samples = np.pad(wav.clamp(-1, 1).numpy(), (0, max(0, MIN_SAMPLES - len(wav))))
            soundfile.write(plain, samples, self.sample_rate, subtype="PCM_16")
            for command in self._commands(plain, packed, decoded):
                _run(command)
            return dict.fromkeys(("speech", "background", "mixture"), read(decoded, self.sample_rate))

    def _commands(self, plain: Path, packed: Path, decoded: Path) -> list[list[str]]:
        """Command lines that encode and decode."""
        rate = str(self.sample_rate)
        if self.tool == "opusenc":
            encode = ["opusenc", "--quiet", "--hard-cbr", "--bitrate", f"{self.rate:g}", plain, packed]
            return [list(map(str, encode)), list(map(str, ["opusdec", "--quiet", "--rate", rate, packed, decoded]))]
        quiet = ["ffmpeg", "-v", "error", "-nostdin", "-i"]
        encode = [*quiet, plain, "-c:a", "libopus", "-vbr", "off", "-b:a", f"{self.rate:g}k", packed]
        return [list(map(str, encode)), list(map(str, [*quiet, packed, "-ar", rate, decoded]))]


def _run(command: list[str]) -> str:
    """The output of a program.

    Raises:
        ValueError: with its error output, if it fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"{command[0]} failed: {' '.join(done.stderr.split()) or done.returncode}")
    return done.stdout or done.stderr
