"""Pronunciation of English text: a lexicon, letters of acronyms, endings, and a network for all other words."""

import lzma
from collections.abc import Callable
from pathlib import Path

from espnet2_decodec.voice.text_phones import PHONE_IDS, join_words, possessive_ending, split_words

LEXICON = "lexicon.txt.xz"
"""File of a lexicon in a model folder: a word in lower case and its phones on each line, compressed."""

SPELLED = ("US", "ID", "IT")
"""Acronyms that are spelled out although there is a word with these letters."""

Pronunciations = dict[str, list[str]]


def read_lexicon(path: Path) -> Pronunciations:
    """Word -> phones.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or has unknown phones.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path.name} in {path.parent}.")
    try:
        lines = lzma.decompress(path.read_bytes()).decode("ascii").splitlines()
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: {error}.") from None
    lexicon = {word: phones for word, *phones in (line.split() for line in lines)}
    unknown = {phone for phones in lexicon.values() for phone in phones} - PHONE_IDS.keys()
    if unknown:
        raise ValueError(f"{path} has unknown phones: {' '.join(sorted(unknown)[:10])}.")
    return lexicon


def write_lexicon(path: Path, lexicon: Pronunciations) -> None:
    """Write a file for `read_lexicon`."""
    text = "".join(f"{word} {' '.join(lexicon[word])}\n" for word in sorted(lexicon))
    path.write_bytes(lzma.compress(text.encode("ascii"), preset=9 | lzma.PRESET_EXTREME))


class Pronouncer:
    """Normalized text -> phones.

    Args:
        lexicon: word in lower case -> phones; it has all single letters.
        fallback: pronounces a word in lower case that the lexicon lacks.
    """

    def __init__(self, lexicon: Pronunciations, fallback: Callable[[str], list[str]]):
        self.lexicon, self.fallback = lexicon, fallback

    def __call__(self, text: str) -> list[str]:
        """Phones of an utterance of normalized text, with silence at both ends; see `join_words`."""
        words = split_words(text)
        is_capitalized = not any(c.islower() for c in text)
        return join_words(words, [self.word(word, not is_capitalized) for word in words])

    def word(self, word: str, acronyms: bool = True) -> list[str]:
        """Phones of a word, an empty list for punctuation.

        Args:
            word: letters and apostrophes.
            acronyms: whether capitals that are not in the lexicon are spelled.
        """
        key = word.lower().strip("'")
        if not key or not key[0].isalpha():
            return []
        found = None if acronyms and word in SPELLED else self.lexicon.get(key)
        if found is not None:
            return found
        if key.endswith("'s"):
            base = self.word(word[:-2], acronyms)
            return base + possessive_ending(base)
        if acronyms and (word.isupper() or (word[:-1].isupper() and word[-1] == "s")) and len(key) < 7:
            letters = key[:-1] if word[-1] == "s" else key
            spelled = [phone for letter in letters for phone in self.lexicon[letter]]
            return spelled + (possessive_ending(spelled) if word[-1] == "s" else [])
        return self._compound(key) or self.fallback(key)

    def _compound(self, key: str) -> list[str] | None:
        """Phones of a word that consists of two words of at least four letters in the lexicon, or an inflected form."""
        for cut in range(4, len(key) - 3):
            first, second = self.lexicon.get(key[:cut]), self.lexicon.get(key[cut:])
            if first and second:
                return first + [phone.replace("1", "2") for phone in second]
        if len(key) > 3 and key.endswith("s") and not key.endswith("ss") and key[:-1] in self.lexicon:
            base = self.lexicon[key[:-1]]
            return base + possessive_ending(base)
        return None
