"""Small recordings for trees of corpora: no two alike, as repeated files are left out."""

import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from local.corpora.corpus import Corpus
from local.recording import Recording


@pytest.fixture(scope="session")
def sound() -> Callable[..., Path]:
    """Writes a recording and the folders above it: a tone whose pitch depends on the path."""

    def write(path: Path, rate: int = 16000, seconds: float = 0.3, channels: int = 1, **options: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(int(seconds * rate)) / rate
        tone = 0.3 * np.sin(2 * np.pi * (200 + zlib.crc32(path.as_posix().encode()) % 3000) * time)
        wave = np.stack([tone * (1 + channel) / channels for channel in range(channels)], axis=1)
        soundfile.write(path, wave, rate, **options)
        return path

    return write


@pytest.fixture(scope="session")
def table() -> Callable[..., Path]:
    """Writes a text file and the folders above it."""

    def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.fixture(scope="session")
def read() -> Callable[..., tuple[dict[str, Recording], Corpus]]:
    """Reads a corpus: its recordings by name, and the corpus with its counts."""

    def read_corpus(module: ModuleType, root: Path, *streams: str, **options: Any) -> tuple[dict, Corpus]:
        corpus = Corpus(module.__name__.rpartition(".")[2], root, **options)
        return {recording.name: recording for recording in module.recordings(corpus, *streams)}, corpus

    return read_corpus
