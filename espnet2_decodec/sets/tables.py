"""Kaldi tables (`key value` lines, sorted as LC_ALL=C sort does) and the 16-bit wavs they point to."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor


def read_table(path: str | Path) -> dict[str, str]:
    """A `key value` file, in its order. The value is what follows the first blank, and may hold blanks.

    Raises:
        ValueError: if the file is not there, is empty, a line has no value, or a key stands twice.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not there.")
    table: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        key, _, value = line.strip().partition(" ")
        if not value.strip():
            raise ValueError(f"{path}, line {number}: {line!r} is no 'key value'.")
        if key in table:
            raise ValueError(f"{path}, line {number}: {key} stands there twice.")
        table[key] = value.strip()
    if not table:
        raise ValueError(f"{path} is empty.")
    return table


def write_table(path: str | Path, table: Mapping[str, object]) -> None:
    """Write `table` sorted; the file appears whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} {table[key]}\n" for key in sorted(table, key=str.encode)]
    with Partial(path) as partial:
        partial.write_text("".join(lines), encoding="utf-8")


def read_wav(path: str | Path, sample_rate: int) -> Tensor:
    """A mono recording as float32 [L] in -1..1.

    Raises:
        ValueError: if it cannot be read, is empty, has several channels, or has another sample rate.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"{path} cannot be read as audio: {error}.") from error
    if rate != sample_rate or samples.shape[1] != 1:
        raise ValueError(
            f"{path} has {samples.shape[1]} channel(s) at {rate} Hz; this step needs mono at {sample_rate} Hz: "
            "convert the set first."
        )
    if not len(samples):
        raise ValueError(f"{path} holds no samples.")
    return torch.from_numpy(samples[:, 0])


def write_wav(path: str | Path, wav: Tensor | np.ndarray, sample_rate: int) -> None:
    """Write [L] as 16-bit wav, whole or not at all: floats in -1..1 (clipped beyond), int16 as they are."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = wav.numpy(force=True) if isinstance(wav, Tensor) else wav
    if samples.dtype != np.int16:
        samples = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    with Partial(path) as partial:
        soundfile.write(partial, samples, sample_rate, subtype="PCM_16", format="WAV")


def check_id(key: str) -> str:
    """An utterance id that can be a file name.

    Raises:
        ValueError: if it holds a slash or is hidden.
    """
    if "/" in key or key.startswith("."):
        raise ValueError(f"The utterance id {key!r} cannot be a file name: it has a slash or starts with a dot.")
    return key


class Partial:
    """A name beside `path` to write to; becomes `path` when all went well, and is removed when not."""

    def __init__(self, path: Path):
        self.path, self.partial = path, path.with_name(f".{path.name}.{os.getpid()}.part")

    def __enter__(self) -> Path:
        return self.partial

    def __exit__(self, kind, error, traceback) -> None:
        if kind is None:
            self.partial.replace(self.path)
        else:
            self.partial.unlink(missing_ok=True)
