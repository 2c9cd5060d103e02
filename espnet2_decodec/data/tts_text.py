"""Text as characters: normalization, the list of known ones, and their numbers."""

import unicodedata
from collections.abc import Iterable, Sequence

PAD, START, END = "<pad>", "<start>", "<end>"
SPECIAL = (PAD, START, END)
"""The first tokens of every list. Start and end stand for the silence around an utterance."""

SAME = str.maketrans("’`‘“”«»–—…", '\'\'\'""""--.')
"""Signs that are written in several ways."""


def normalize(text: str) -> str:
    """Lower case, composed characters (NFC), one kind of quote and dash, single blanks."""
    return " ".join(unicodedata.normalize("NFC", text.replace("\u00ad", "")).lower().translate(SAME).split())


class Characters:
    """Characters to numbers.

    Args:
        tokens: `SPECIAL`, and then the characters.

    Raises:
        ValueError: if the list does not start with `SPECIAL`, or a token stands there twice.
    """

    def __init__(self, tokens: Sequence[str]):
        self.tokens = tuple(tokens)
        if self.tokens[: len(SPECIAL)] != SPECIAL or len(set(self.tokens)) < len(self.tokens):
            raise ValueError(f"A token list starts with {' '.join(SPECIAL)} and has every character once.")
        self._numbers = {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Characters":
        """Those that occur in `texts`, in their order in Unicode."""
        return cls([*SPECIAL, *sorted(set("".join(map(normalize, texts))))])

    def encode(self, text: str) -> list[int]:
        """Numbers of the characters, between start and end. Signs that are not in the list are left out.

        Raises:
            ValueError: if there is nothing to say, or a letter or digit is not in the list.
        """
        text = normalize(text)
        unknown = sorted({c for c in text if c.isalnum() and c not in self._numbers})
        if unknown:
            known = "".join(c for c in self.tokens[len(SPECIAL) :] if c.isalnum())
            raise ValueError(
                f"This voice cannot say {' '.join(map(repr, unknown))}: it was trained on the characters {known}"
            )
        text = " ".join("".join(c if c in self._numbers else " " for c in text).split())
        if not any(c.isalnum() for c in text):
            raise ValueError("There is nothing to say: the text has no letter.")
        return [self._numbers[c] for c in (START, *text, END)]
