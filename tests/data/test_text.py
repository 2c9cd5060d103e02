"""Text: normalization, words, and characters of text-to-speech."""

import pytest

from espnet2_decodec.data.text import SPECIAL_TOKENS, CharacterTokenizer, asr_transcript, normalize, words

KNOWN = CharacterTokenizer.from_texts(["abc é, привет"])


def test_texts_that_look_alike_become_one():
    assert normalize("  “É”\tb\n—c ") == normalize('"e\u0301" b -c')


def test_numbers_lead_back_to_the_text():
    numbers = KNOWN.encode("Cab, É")
    assert "".join(KNOWN.tokens[n] for n in numbers) == "<start>cab, é<end>"


@pytest.mark.parametrize("text", ["", "   ", "...", "!?", "🙂"])
def test_text_without_letters_is_refused(text):
    with pytest.raises(ValueError, match="nothing to synthesize"):
        KNOWN.encode(text)


def test_unknown_letters_and_digits_are_named():
    with pytest.raises(ValueError, match=r"cannot pronounce '7' 'z'.*abc"):
        KNOWN.encode("a 7 z")


def test_unknown_signs_are_left_out():
    assert KNOWN.encode("a🙂 (b)") == KNOWN.encode("a b")


def test_a_list_that_is_not_ours_is_refused():
    for tokens in (["a", "b"], [*SPECIAL_TOKENS, "a", "a"]):
        with pytest.raises(ValueError, match="token list"):
            CharacterTokenizer(tokens)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Она завела, прядь  волос, - за ухо.", "она завела прядь волос за ухо"),
        ("Échec à l’ouverture!", "échec à l'ouverture"),
        ("'Quoted' words' end", "quoted words end"),
        ("well-known snake_case", "well known snake case"),
        ("E\u0301cole", "école"),
        ("Press 1 now", None),
        ("... !", None),
        ("", None),
    ],
)
def test_normalize(text, wanted):
    assert asr_transcript(text) == wanted


def test_what_is_normalized_stays():
    assert asr_transcript(asr_transcript("Ça va, l'ami?")) == "ça va l'ami"


def test_words_of_a_text():
    assert words("It\u2019s 8 o'clock -- Étude, 'Ёлка'!") == ["it's", "8", "o'clock", "étude", "ёлка"]
