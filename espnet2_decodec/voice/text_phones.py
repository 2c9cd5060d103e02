"""Phones of American English: the symbols of CMUdict with stress, pauses, and weak forms of function words."""

import re

from espnet2_decodec.data.normalize import PUNCTUATION

PAD, SILENCE, SPACE = "<pad>", "<sil>", " "
VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()  # noqa: SIM905
CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()  # noqa: SIM905
PHONES = (
    PAD, SILENCE, SPACE, *PUNCTUATION, *CONSONANTS, *(f"{vowel}{stress}" for vowel in VOWELS for stress in "012"),
)  # fmt: skip
"""All symbols; their indices are the input of the model. Silence stands at both ends of an utterance."""
PHONE_IDS = {phone: index for index, phone in enumerate(PHONES)}

WEAK_FORMS = {
    "a": "AH0", "am": "AE0 M", "an": "AH0 N", "and": "AH0 N D", "are": "AA0 R", "as": "AE0 Z", "at": "AE0 T",
    "be": "B IY0", "been": "B IH0 N", "but": "B AH0 T", "by": "B AY0", "can": "K AE0 N", "could": "K UH0 D",
    "did": "D IH0 D", "do": "D UW0", "does": "D AH0 Z", "for": "F AO0 R", "from": "F R AH0 M", "had": "HH AE0 D",
    "has": "HH AE0 Z", "have": "HH AE0 V", "he": "HH IY0", "her": "HH ER0", "him": "HH IH0 M", "his": "HH IH0 Z",
    "i": "AY2", "if": "IH0 F", "in": "IH0 N", "into": "IH0 N T UW0", "is": "IH0 Z", "it": "IH0 T", "its": "IH0 T S",
    "may": "M EY0", "me": "M IY0", "my": "M AY0", "of": "AH0 V", "on": "AA0 N", "or": "AO0 R", "our": "AW0 ER0",
    "shall": "SH AE0 L", "she": "SH IY0", "should": "SH UH0 D", "so": "S OW2", "some": "S AH2 M", "than": "DH AE0 N",
    "that": "DH AE0 T", "the": "DH AH0", "their": "DH EH0 R", "them": "DH EH0 M", "they": "DH EY0", "this": "DH IH0 S",
    "to": "T AH0", "us": "AH0 S", "was": "W AH0 Z", "we": "W IY0", "were": "W ER0", "will": "W IH0 L",
    "with": "W IH0 DH", "would": "W UH0 D", "you": "Y UW0", "your": "Y AO0 R",
}  # fmt: skip
"""Pronunciation of function words inside a sentence, where they have no stress."""
BEFORE_VOWELS = {"the": "DH IY0", "to": "T UW0"}
"""Weak forms before a vowel."""

_TOKEN = re.compile(r"[A-Za-z']+|[,.?!]")


def split_words(text: str) -> list[str]:
    """Words and punctuation of normalized text."""
    return _TOKEN.findall(text)


def join_words(words: list[str], pronunciations: list[list[str]]) -> list[str]:
    """Phones of an utterance: silence at both ends, spaces between words, weak forms of function words.

    Args:
        words: words and punctuation, in order.
        pronunciations: phones of each word, an empty list for punctuation.

    Returns:
        Symbols of `PHONES`. A function word keeps its full form before punctuation and at the end.
    """
    phones = [SILENCE]
    for i, (word, found) in enumerate(zip(words, pronunciations)):
        if word in PUNCTUATION:
            phones.append(word)
            continue
        if len(phones) > 1:
            phones.append(SPACE)
        following = next((p for p in pronunciations[i + 1 : i + 2]), [])
        key = word.lower()
        if key in WEAK_FORMS and (following or key == "a"):
            before_vowel = bool(following) and following[0][-1].isdigit()
            found = (BEFORE_VOWELS.get(key, WEAK_FORMS[key]) if before_vowel else WEAK_FORMS[key]).split()
        phones += found
    return [*phones, SILENCE]


def possessive_ending(phones: list[str]) -> list[str]:
    """Phones of 's after a word: IH Z after a sibilant, S after a voiceless consonant, otherwise Z."""
    last = phones[-1] if phones else ""
    if last in ("S", "Z", "SH", "ZH", "CH", "JH"):
        return ["IH0", "Z"]
    return ["S"] if last in ("P", "T", "K", "F", "TH") else ["Z"]
