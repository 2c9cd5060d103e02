"""Tokens of speech as words that a recognizer of text reads: ESPnet's discrete ASR."""

from pathlib import Path

import numpy as np

from espnet2_decodec.data.asr_tokens import FIRST, LAST
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.tokenize import TABLES


def words(codes: np.ndarray, repeats: bool) -> str:
    """Codes [T, K] -> `<level>_<code>` words, frame by frame, the K levels of a frame one after the other.

    Args:
        repeats: whether a frame that is as the one before it is told again.
    """
    if not repeats:
        codes = codes[np.r_[True, (codes[1:] != codes[:-1]).any(1)]]
    return " ".join(f"{level}_{code}" for frame in codes for level, code in enumerate(frame, start=1))


def stream_of(tokens: str | Path) -> str:
    """Whether a folder that `decodec recipe tokenize` wrote has tokens of the `content`, or of the `speech`."""
    return "content" if (Path(tokens) / TABLES["content"]).is_file() else "speech"


def write_units(tokens: str | Path, out: str | Path, repeats: bool = True) -> int:
    """Write a Kaldi table of units, the tokens of the speech or of the content as words.

    Args:
        tokens: folder that `decodec recipe tokenize` wrote, of the content, or with as many speech levels as are wanted.
        out: file.
        repeats: see `words`.

    Returns:
        K, the levels of a frame.

    Raises:
        ValueError: if there are no levels, or not the same in all recordings.
    """
    stream = stream_of(tokens)
    paths = read_table(Path(tokens) / TABLES[stream])
    codes = {key: np.load(path, allow_pickle=False) for key, path in paths.items()}
    levels = {array.shape[1] for array in codes.values()}
    if len(levels) != 1 or levels == {0}:
        raise ValueError(
            f"{tokens} has recordings of {sorted(levels)} {stream} levels; all need the same number, 1 or more."
        )
    write_table(out, {key: words(array, repeats) for key, array in codes.items()})
    return levels.pop()


def write_unit_list(path: str | Path, levels: int, codebook_size: int) -> None:
    """Write the token list of all units that there can be, in ESPnet's order."""
    units = (f"{level}_{code}" for level in range(1, levels + 1) for code in range(codebook_size))
    Path(path).write_text("".join(f"{unit}\n" for unit in (*FIRST, *units, *LAST)), encoding="utf-8")
