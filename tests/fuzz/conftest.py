"""Cases of a fuzz test: their seeds and number, their limits of time and memory, and the file of one that fails."""

import os
import resource
import signal
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.io import dcd, npy
from espnet2_decodec.types import Codes

MINUTES = float(os.environ.get("DECODEC_FUZZ_MINUTES", 0))
"""Duration of all tests together; 0 for a fixed number of cases."""
SEED = int(os.environ.get("DECODEC_FUZZ_SEED", 0))
CPU_SECONDS = 20
"""Limit of one case in seconds of computing, which other processes on the machine do not count towards."""
MEMORY = 2**30
"""Bytes that one case may allocate."""


class Hang(BaseException):
    """A case that has computed for too long; not an Exception, so that no program catches it."""


class Cases:
    """The cases of one test, each with a random generator of its own.

    Args:
        name: of the test.
        count: number of cases where no duration is given.
        seconds: duration, 0 for none.
    """

    def __init__(self, name: str, count: int, seconds: float):
        self.name, self.count, self.seconds, self.index = name, count, seconds, 0

    def __iter__(self) -> Iterator[np.random.Generator]:
        """Yield one generator for each case; an exception in the loop is reported with the number of its case."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end if self.seconds else self.index < self.count:
            yield np.random.default_rng([SEED, zlib.crc32(self.name.encode()), self.index])
            self.index += 1

    @contextmanager
    def case(self, path: Path) -> Iterator[None]:
        """Limit time and memory of one case; where it fails, its file stays under another name.

        Args:
            path: the damaged file.
        """

        def stop(number: int, frame: object) -> None:
            raise Hang(f"{CPU_SECONDS} s of computing")

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        previous = signal.signal(signal.SIGPROF, stop)
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        try:
            yield
        except BaseException as error:
            kept = path.with_name(f"failed-{path.name}")
            kept.write_bytes(path.read_bytes())
            print(f"{error!r} in case {self.index} of {self.name!r}, seed {SEED}; its file is {kept}")
            raise
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, previous)
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


@pytest.fixture
def make_cases(request):
    """Function that returns the cases of a test; their number is given."""
    seconds = 60 * MINUTES / request.session.testscollected
    return lambda count: Cases(request.node.name, count, seconds)


@pytest.fixture(scope="session")
def codec():
    """A tiny codec with random weights."""
    torch.manual_seed(0)
    return DeCodec.from_config(TINY).eval()


@pytest.fixture(scope="session")
def originals(codec, tmp_path_factory):
    """Whole files: kind -> path."""
    folder = tmp_path_factory.mktemp("originals")
    time_axis = np.arange(24000) / 16000
    wav = 0.3 * np.sin(2 * np.pi * (200 * time_axis + 600 * time_axis**2))
    for kind in ("wav", "flac", "ogg", "mp3", "aiff", "w64"):
        soundfile.write(folder / f"a.{kind}", wav, 16000)
    generator = torch.Generator().manual_seed(0)
    codes = Codes(
        torch.randint(16, (1, 3, 120), generator=generator),
        torch.randint(16, (1, 2, 120), generator=generator),
        torch.tensor([120 * codec.hop - 7]),
        16000,
    )
    dcd.save(folder / "a.dcd", codes, codec)
    npy.save(folder / "a", codes)
    codec.save_pretrained(folder / "model")
    return {path.suffix[1:]: path for path in folder.glob("a.*") if path.suffix != ".npy"} | {
        "npy": folder / "a.speech.npy",
        "model": folder / "model",
    }
