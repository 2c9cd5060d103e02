"""Token lists as ESPnet expects them: characters, or pieces of a sentencepiece model."""

from collections import Counter
from pathlib import Path

from espnet2_decodec.data.kaldi import read_table

FIRST, LAST = ("<blank>", "<unk>"), ("<sos/eos>",)


def write_tokens(text: str | Path, out: str | Path, pieces: int = 0) -> int:
    """Write out/tokens.txt, the commonest tokens first, and out/bpe.model where there are pieces.

    Args:
        text: Kaldi table of training transcripts.
        out: folder.
        pieces: 0 for characters, or how many pieces to learn by byte pair encoding; fewer where the text has not as many.

    Returns:
        How many tokens there are.

    Raises:
        ValueError: if sentencepiece is needed and is not installed, or refuses.
    """
    out, lines = Path(out), list(read_table(text).values())
    out.mkdir(parents=True, exist_ok=True)
    if pieces:
        split = _byte_pairs(lines, out / "bpe", pieces)
        counts = Counter(token for line in lines for token in split(line))
    else:
        counts = Counter("<space>" if letter == " " else letter for line in lines for letter in line)
    tokens = [*FIRST, *(token for token, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))), *LAST]
    (out / "tokens.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return len(tokens)


def _byte_pairs(lines: list[str], model: Path, pieces: int):
    """Train <model>.model; returns the function that cuts a line."""
    try:
        import sentencepiece
    except ImportError:
        raise ValueError("BPE needs sentencepiece (pip install sentencepiece); --token_type char does not.") from None
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_prefix=str(model), vocab_size=pieces, model_type="bpe",
            character_coverage=1.0, hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
    except RuntimeError as problem:
        raise ValueError(f"sentencepiece: {problem}") from None
    processor = sentencepiece.SentencePieceProcessor(model_file=f"{model}.model")
    return lambda line: processor.encode(line, out_type=str)
