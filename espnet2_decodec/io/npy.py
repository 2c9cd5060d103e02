"""Tokens as plain numpy arrays: NAME.speech.npy and NAME.background.npy, each (T, K) int16."""

from pathlib import Path

import numpy as np
import torch

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.io.errors import MissingFile, NotTokens
from espnet2_decodec.types import Codes

STREAMS = ("speech", "background")


def paths(stem: str | Path) -> tuple[Path, Path]:
    """The two files of recording `stem`, a path without suffix."""
    return tuple(path(stem, stream) for stream in STREAMS)


def path(stem: str | Path, stream: str) -> Path:
    """The file of one stream of recording `stem`, a path without suffix."""
    stem = Path(stem)
    return stem.with_name(f"{stem.name}.{stream}.npy")


def stem_of(path: str | Path) -> Path:
    """The other way round, from either file.

    Raises:
        NotTokens: if the name is not one of them.
    """
    path = Path(path)
    for stream in STREAMS:
        if path.name.endswith(f".{stream}.npy"):
            return path.with_name(path.name.removesuffix(f".{stream}.npy"))
    raise NotTokens(f"{path} must be called NAME.speech.npy or NAME.background.npy.")


def save(stem: str | Path, codes: Codes) -> None:
    """Write both streams of one recording (batch 1).

    Raises:
        ValueError: if there are several recordings, or a token beyond 32767.
    """
    if len(codes.lengths) != 1:
        raise ValueError(f"A pair of .npy files holds one recording, not {len(codes.lengths)}.")
    for stream, tokens in zip(STREAMS, (codes.speech, codes.background)):
        save_stream(path(stem, stream), tokens[0])


def save_stream(file: Path, tokens: torch.Tensor) -> None:
    """Write one stream [K, T] of a recording.

    Raises:
        ValueError: if there is a token beyond 32767.
    """
    if tokens.numel() and int(tokens.max()) > np.iinfo(np.int16).max:
        raise ValueError(f"{file} was not written: a token is beyond 32767.")
    with atomic_write(file) as temporary, open(temporary, "wb") as opened:
        np.save(opened, tokens.T.cpu().numpy().astype(np.int16))


def load(path: str | Path, sample_rate: int, hop: int) -> Codes:
    """The recording that `path`, either of the two files, belongs to.

    The exact length is not in such files, so it is taken to be whole frames.

    Args:
        path: NAME.speech.npy or NAME.background.npy.
        sample_rate: Hz, of the codec.
        hop: samples per frame, of the codec.

    Raises:
        MissingFile, NotTokens: if one of the files is missing or holds something else.
    """
    streams = []
    for file in paths(stem_of(path)):
        if not file.is_file():
            raise MissingFile(f"{file} does not exist.")
        try:
            array = np.load(file, allow_pickle=False)
        except (ValueError, EOFError, OSError):
            raise NotTokens(f"{file} is not a .npy file.") from None
        if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "iu" or not len(array):
            raise NotTokens(f"{file} must hold integers of shape (T, K), T >= 1.")
        streams.append(torch.from_numpy(array.astype(np.int64)).T[None])
    frames = {s.shape[2] for s in streams}
    if len(frames) > 1:
        raise NotTokens(f"{' and '.join(map(str, paths(stem_of(path))))} have different numbers of frames.")
    return Codes(*streams, torch.tensor([frames.pop() * hop]), sample_rate)
