"""Token lists as ESPnet expects them: characters, byte pairs, or units of discrete ASR (codec tokens as text)."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from espnet2_decodec.atomic import write_text
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.tokenize import TABLES

FIRST_TOKENS, LAST_TOKENS = ("<blank>", "<unk>"), ("<sos/eos>",)


def write_token_list(text: str | Path, out: str | Path, bpe_size: int = 0) -> int:
    """Write out/tokens.txt, most frequent tokens first, and out/bpe.model for byte pair encoding.

    Args:
        text: Kaldi table of training transcripts.
        out: output folder.
        bpe_size: 0 for characters, or the number of pieces to learn; fewer where the text does not have as many.

    Returns:
        Number of tokens.

    Raises:
        ValueError: if sentencepiece is needed and is not installed, or fails.
    """
    out, lines = Path(out), list(read_table(text).values())
    out.mkdir(parents=True, exist_ok=True)
    if bpe_size:
        encode = _train_bpe(lines, out / "bpe", bpe_size)
        counts = Counter(token for line in lines for token in encode(line))
    else:
        counts = Counter("<space>" if letter == " " else letter for line in lines for letter in line)
    tokens = [token for token, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return _write_list(out / "tokens.txt", tokens)


def units(codes: np.ndarray, repeats: bool) -> str:
    """Codes [T, K] -> `<level>_<code>` words, frame by frame, the K levels of a frame one after the other.

    Args:
        codes: of one recording.
        repeats: whether a frame that equals the one before it is kept.
    """
    if not repeats:
        codes = codes[np.r_[True, (codes[1:] != codes[:-1]).any(1)]]
    return " ".join(f"{level}_{code}" for frame in codes for level, code in enumerate(frame, start=1))


def token_stream(tokens: str | Path) -> str:
    """Stream in a folder that `tokenize` wrote: `content` or `speech`."""
    return "content" if (Path(tokens) / TABLES["content"]).is_file() else "speech"


def write_units(tokens: str | Path, out: str | Path, repeats: bool = True) -> int:
    """Write a Kaldi table of units: the tokens of the speech or of the content as text.

    Args:
        tokens: folder that `tokenize` wrote.
        out: output file.
        repeats: as in `units`.

    Returns:
        K, the levels per frame.

    Raises:
        ValueError: if there are no levels, or not the same number in all recordings.
    """
    stream = token_stream(tokens)
    paths = read_table(Path(tokens) / TABLES[stream])
    codes = {key: np.load(path, allow_pickle=False) for key, path in paths.items()}
    levels = {array.shape[1] for array in codes.values()}
    if len(levels) != 1 or levels == {0}:
        raise ValueError(
            f"{tokens} has recordings of {sorted(levels)} {stream} levels; all need the same number, 1 or more."
        )
    write_table(out, {key: units(array, repeats) for key, array in codes.items()})
    return levels.pop()


def write_unit_list(path: str | Path, levels: int, codebook_size: int) -> None:
    """Write the list of all possible units."""
    _write_list(Path(path), [f"{level}_{code}" for level in range(1, levels + 1) for code in range(codebook_size)])


def _write_list(path: Path, tokens: list[str]) -> int:
    """Write the tokens between those that ESPnet reserves; return the size of the list."""
    tokens = [*FIRST_TOKENS, *tokens, *LAST_TOKENS]
    write_text(path, "".join(f"{token}\n" for token in tokens))
    return len(tokens)


def _train_bpe(lines: list[str], model: Path, size: int) -> Callable[[str], list[str]]:
    """Train <model>.model; return the function that encodes a line."""
    try:
        import sentencepiece
    except ImportError:
        raise ValueError("BPE needs sentencepiece (pip install sentencepiece); --token_type char does not.") from None
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_prefix=str(model), vocab_size=size, model_type="bpe",
            character_coverage=1.0, hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
    except RuntimeError as error:
        raise ValueError(f"sentencepiece: {error}") from None
    processor = sentencepiece.SentencePieceProcessor(model_file=f"{model}.model")
    return lambda line: processor.encode(line, out_type=str)
