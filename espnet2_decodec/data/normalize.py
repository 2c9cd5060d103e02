"""Text normalization of English for speech synthesis: numbers, abbreviations and symbols as words."""

import re
import unicodedata

from espnet2_decodec.data.normalize_numbers import spell_numbers

ABBREVIATIONS = {
    "mr.": "mister", "mrs.": "missus", "ms.": "miz", "dr.": "doctor", "prof.": "professor", "st.": "saint",
    "jr.": "junior", "sr.": "senior", "capt.": "captain", "col.": "colonel", "gen.": "general", "lt.": "lieutenant",
    "sgt.": "sergeant", "rev.": "reverend", "hon.": "honorable", "gov.": "governor", "mt.": "mount",
    "ave.": "avenue", "blvd.": "boulevard", "rd.": "road", "dept.": "department", "univ.": "university",
    "inc.": "incorporated", "ltd.": "limited", "corp.": "corporation", "co.": "company", "bros.": "brothers",
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "vs": "versus",
    "approx.": "approximately", "ca.": "circa", "fig.": "figure", "figs.": "figures", "vol.": "volume",
    "pp.": "pages", "ch.": "chapter", "sec.": "section", "ed.": "edition", "eq.": "equation", "et al.": "and others",
}  # fmt: skip
"""Abbreviations in lower case, with their full stop."""
SYMBOLS = {
    "&": "and", "+": "plus", "=": "equals", "@": "at", "#": "number", "%": "percent", "×": "times", "÷": "divided by",
    "<": "less than", ">": "greater than", "~": "about", "≈": "about", "°": "degrees", "©": "copyright",
    "$": "dollars", "£": "pounds", "€": "euros", "¥": "yen", "\\": "backslash",
}  # fmt: skip
"""Symbols that are read as words, as is a slash between words; other symbols are pauses, or left out."""
PUNCTUATION = ",.?!"
"""All punctuation of normalized text."""

_LETTERS = str.maketrans({
    "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
    "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ĸ": "k", "ŋ": "ng", "µ": "micro", "μ": "micro", "º": "°",
    "’": "'", "ʼ": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "−": "-",
    "‐": "-", "‑": "-", "…": "...", "\u00ad": "", "\ufeff": "", "\u200b": "", "\u200d": "",
})  # fmt: skip
_ABBREVIATION = re.compile(
    "|".join(rf"(?<![\w.]){re.escape(text)}(?!\w)" for text in sorted(ABBREVIATIONS, key=len, reverse=True)),
    re.IGNORECASE,
)
_NUMERO = re.compile(r"\b(?:No|Nos|no)\.\s?(?=\d)")
_ADDRESS = re.compile(r"(?<=\w)[.@](?=[A-Za-z]{2})|(?<=\w)@(?=\w)")
_DOTTED = re.compile(r"\b(?:(?:Ph|Ed|Sc|Th)\.D|[BM]\.Sc|(?:[a-z]\.)+[a-z])\.", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.?!])[\"')\]]*\s+(?=\S)|\n\s*\n")
_LAST_WORD = re.compile(r"(\S+)$")


def normalize_english(text: str) -> str:
    """Words and punctuation of a text as a reader pronounces it.

    Letters with accents become those of ASCII. The case of words is kept, since capitals distinguish acronyms.

    Args:
        text: any English text.

    Returns:
        Words of ASCII letters and apostrophes, with single spaces and `PUNCTUATION`.

    Raises:
        ValueError: if the text has no word, or letters of another script.
    """
    text = _to_ascii(text)
    text = _DOTTED.sub(lambda match: _dotted(match[0]), _ABBREVIATION.sub(_expand, _NUMERO.sub("number ", text)))
    text = spell_numbers(text)
    text = _ADDRESS.sub(lambda match: " at " if match[0] == "@" else " dot ", text)
    text = re.sub(r"(?<=\w)/(?=\w)", " slash ", text)
    text = re.sub("|".join(map(re.escape, SYMBOLS)), lambda match: f" {SYMBOLS[match[0]]} ", text)
    text = re.sub(r"\s*(?:--+|—|–|[:;()\[\]{}]|\s-\s|\.{2,}|\n\s*\n)\s*", ", ", text)
    text = re.sub(r"(?<!\w)'|'(?!\w)", " ", text)
    text = re.sub(r"[^A-Za-z',.?!]+", " ", text)
    text = _merge_punctuation(text)
    if not re.search("[A-Za-z]", text):
        raise ValueError("There is nothing to synthesize: the text has no word.")
    return text


def split_sentences(text: str) -> list[str]:
    """Sentences of a text, each with its punctuation.

    An abbreviation such as Dr. does not end one, and one with several full stops such as U.S. only before a capital.
    """
    sentences, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        before = _LAST_WORD.search(text[start : match.start()])
        word = before[1].lower().lstrip("\"'([") if before else ""
        is_initial = len(word) == 2 and word[0].isalpha() and word != "i."
        ends_line = "\n" in match[0]
        goes_on = _DOTTED.fullmatch(word) is not None and text[match.end() : match.end() + 1].islower()
        if ends_line or not (word in ABBREVIATIONS and word != "etc." or is_initial or goes_on):
            sentences.append(text[start : match.end()].strip())
            start = match.end()
    return [sentence for sentence in [*sentences, text[start:].strip()] if sentence]


def _to_ascii(text: str) -> str:
    """Characters without accents, and variants of punctuation as one.

    Raises:
        ValueError: if a letter or digit has no equivalent.
    """
    text = unicodedata.normalize("NFKC", text.translate(_LETTERS).replace("½", " 1/2").replace("¼", " 1/4"))
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).translate(_LETTERS)
    unknown = sorted({c for c in text if c.isalnum() and not c.isascii()})
    if unknown:
        shown = " ".join(unknown[:10]) + (" ..." if len(unknown) > 10 else "")
        raise ValueError(f"The English voice cannot read these characters: {shown}")
    return text


def _expand(match: re.Match) -> str:
    """The words of an abbreviation; one at the end of the text keeps its full stop. St. is a saint before a name."""
    text, rest = match[0], match.string[match.end() :]
    if text.lower() == "st." and not re.match(r"\s[A-Z]", rest):
        return "street" if rest.strip() else "street."
    end = "." if text.endswith(".") and not rest.strip() else ""
    return ABBREVIATIONS[text.lower()] + end


def _dotted(text: str) -> str:
    """U.S.A. -> U S A; Ph.D. -> P H D."""
    return " ".join(text.replace(".", "").upper()) + " "


def _merge_punctuation(text: str) -> str:
    """Single spaces, and only the strongest of neighboring punctuation marks."""
    text = re.sub(r"[\s,.?!]*([,.?!])[\s,.?!]*", lambda match: _strongest(match[0]) + " ", text)
    return " ".join(text.split()).lstrip(PUNCTUATION + " ").rstrip(", ")


def _strongest(marks: str) -> str:
    """The mark with the longest pause."""
    return next(mark for mark in "?!.," if mark in marks)
