"""Tokens as NumPy arrays: NAME.speech.npy and NAME.background.npy, each (T, K) int16."""

import io
from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.atomic import atomic_group, atomic_write
from espnet2_decodec.io.errors import MissingFileError, TokenFileError
from espnet2_decodec.types import Codes

STREAMS = ("speech", "background")
MAX_TOKEN = np.iinfo(np.int16).max


def path(stem: str | Path, stream: str) -> Path:
    """Return the file of one stream of recording `stem`, a path without suffix."""
    stem = Path(stem)
    return stem.with_name(f"{stem.name}.{stream}.npy")


def paths(stem: str | Path) -> tuple[Path, Path]:
    """Return the files of both streams of recording `stem`, a path without suffix."""
    return path(stem, "speech"), path(stem, "background")


def stem_of(path: str | Path) -> Path:
    """Return the recording that either file belongs to, as a path without suffix.

    Raises:
        TokenFileError: if the file has another name.
    """
    path = Path(path)
    for stream in STREAMS:
        if path.name.endswith(f".{stream}.npy"):
            return path.with_name(path.name.removesuffix(f".{stream}.npy"))
    raise TokenFileError(f"{path} must be named NAME.speech.npy or NAME.background.npy.")


def save(stem: str | Path, codes: Codes) -> None:
    """Write both streams of one recording (batch 1).

    Raises:
        ValueError: if there are several recordings, or a token above `MAX_TOKEN`.
    """
    if len(codes.lengths) != 1:
        raise ValueError(f"A pair of .npy files holds one recording, not {len(codes.lengths)}.")
    with atomic_group():
        for file, tokens in zip(paths(stem), (codes.speech, codes.background)):
            save_stream(file, tokens[0])


def save_stream(file: Path, tokens: torch.Tensor) -> None:
    """Write one stream [K, T] of a recording.

    Raises:
        ValueError: if there is a token above `MAX_TOKEN`.
    """
    if tokens.numel() and int(tokens.max()) > MAX_TOKEN:
        raise ValueError(f"{file} was not written: a token is beyond {MAX_TOKEN}, the maximum of int16.")
    save_array(file, tokens.T.cpu().numpy().astype(np.int16))


def save_array(file: str | Path, array: np.ndarray) -> None:
    """Write an array, whole or not at all: np.save to a file ignores that the disk is full at its end.

    Raises:
        OSError: if it cannot be written.
    """
    buffer = io.BytesIO()
    np.save(buffer, array)
    with atomic_write(file) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(path: str | Path, sample_rate: int, hop: int) -> Codes:
    """Read both streams of a recording; its length is T * hop, as the files do not store the exact length.

    Args:
        path: NAME.speech.npy or NAME.background.npy.
        sample_rate: of the codec, in Hz.
        hop: samples per frame of the codec.

    Raises:
        MissingFileError, TokenFileError: if one of the files is missing or has other content.
    """
    streams, files = [], paths(stem_of(path))
    for file in files:
        if not file.is_file():
            raise MissingFileError(f"{file} does not exist.")
        streams.append(torch.from_numpy(_read_array(file).astype(np.int64)).T[None])
    speech, background = streams
    if speech.shape[2] != background.shape[2]:
        raise TokenFileError(f"{' and '.join(map(str, files))} have different numbers of frames.")
    return Codes(speech, background, torch.tensor([speech.shape[2] * hop]), sample_rate)


def _read_array(file: Path) -> np.ndarray:
    """Return the array (T, K) in a file; mapped into memory, so that a damaged header allocates nothing.

    Raises:
        TokenFileError: if the file is not whole, or has other content.
    """
    try:
        with np.errstate(over="ignore"):
            array = np.load(file, allow_pickle=False, mmap_mode="r")
    except MemoryError:
        raise
    except Exception:  # NumPy passes on what its parser of Python literals raises
        raise TokenFileError(f"{file} is not a .npy file, or is cut off.") from None
    if not isinstance(array, np.memmap) or array.ndim != 2 or array.dtype.kind not in "iu" or not len(array):
        raise TokenFileError(f"{file} must hold integers of shape (T, K), T >= 1.")
    size, expected = file.stat().st_size, array.offset + array.nbytes
    if size != expected:
        raise TokenFileError(f"{file} is damaged: it has {size} bytes, and {expected} by its header.")
    return array
