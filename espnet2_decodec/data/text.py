"""Text of transcripts: normalization, words for recognizers and error rates, characters for text to speech."""

import unicodedata
from collections.abc import Iterable, Sequence

PAD, START, END = "<pad>", "<start>", "<end>"
SPECIAL_TOKENS = (PAD, START, END)
"""First tokens of every list. Start and end stand for the silence around an utterance."""

_VARIANTS = str.maketrans("’ʼ`´‘“”«»–—…", "'" * 5 + '"' * 4 + "--.", "\u00ad")


def normalize(text: str) -> str:
    """Lower case, composed characters (NFC), one kind of apostrophe, quote and dash, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).lower().translate(_VARIANTS).split())


def words(text: str) -> list[str]:
    """Words of normalized text: letters, digits, accents, and apostrophes inside a word; all else separates words."""
    kept = "".join(c if c.isalnum() or c == "'" or unicodedata.combining(c) else " " for c in normalize(text))
    return [word for word in (part.strip("'") for part in kept.split()) if word]


def asr_transcript(text: str) -> str | None:
    """Words of a transcript separated by single spaces, or None where a digit or no letter is in it.

    How a number was read aloud cannot be derived from its digits.
    """
    if any(c.isdigit() for c in text):
        return None
    return " ".join(words(text)) or None


class CharacterTokenizer:
    """Text to numbers of characters.

    Args:
        tokens: `SPECIAL_TOKENS`, then the characters.

    Raises:
        ValueError: if the list does not begin with `SPECIAL_TOKENS`, or contains a token twice.
    """

    def __init__(self, tokens: Sequence[str]):
        self.tokens = tuple(tokens)
        if self.tokens[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS or len(set(self.tokens)) < len(self.tokens):
            raise ValueError(f"A token list starts with {' '.join(SPECIAL_TOKENS)} and has every character once.")
        self._ids = {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "CharacterTokenizer":
        """All characters that occur in the normalized texts, sorted."""
        return cls([*SPECIAL_TOKENS, *sorted(set("".join(map(normalize, texts))))])

    def encode(self, text: str) -> list[int]:
        """Numbers of the characters between start and end; punctuation that is not in the list is left out.

        Raises:
            ValueError: if the text has no letter or digit, or one that is not in the list.
        """
        text = normalize(text)
        unknown = sorted({c for c in text if c.isalnum() and c not in self._ids})
        if unknown:
            known = "".join(c for c in self.tokens[len(SPECIAL_TOKENS) :] if c.isalnum())
            raise ValueError(
                f"This model cannot pronounce {' '.join(map(repr, unknown))}: it was trained on the characters {known}"
            )
        text = " ".join("".join(c if c in self._ids else " " for c in text).split())
        if not any(c.isalnum() for c in text):
            raise ValueError("There is nothing to synthesize: the text has no letter.")
        return [self._ids[c] for c in (START, *text, END)]
