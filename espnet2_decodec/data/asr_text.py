"""Transcripts as a recognizer learns them: lower-case letters, words apart by one space."""

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_APOSTROPHES = str.maketrans("’ʼ`´", "''''")


def normalize(text: str) -> str | None:
    """`text` in lower-case letters of its language; an apostrophe stays where it is inside a word, all else parts words.

    None where a digit, or no letter at all, is in it: what is said for a number is not known.
    """
    text = unicodedata.normalize("NFC", text).lower().translate(_APOSTROPHES)
    if any(letter.isdigit() for letter in text):
        return None
    return " ".join(_WORD.findall(text)) or None
