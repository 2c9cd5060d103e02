"""Characters: what is normalized, what is refused."""

import pytest

from espnet2_decodec.data.tts_text import SPECIAL, Characters, normalize

KNOWN = Characters.of(["abc é, привет"])


def test_texts_that_look_alike_become_one():
    assert normalize("  “É”\tb\n—c ") == normalize('"e\u0301" b -c')


def test_numbers_lead_back_to_the_text():
    numbers = KNOWN.encode("Cab, É")
    assert "".join(KNOWN.tokens[n] for n in numbers) == "<start>cab, é<end>"


@pytest.mark.parametrize("text", ["", "   ", "...", "!?", "🙂"])
def test_nothing_to_say_is_an_error(text):
    with pytest.raises(ValueError, match="nothing to say"):
        KNOWN.encode(text)


def test_unknown_letters_and_digits_are_named():
    with pytest.raises(ValueError, match=r"cannot say '7' 'z'.*abc"):
        KNOWN.encode("a 7 z")


def test_unknown_signs_are_left_out():
    assert KNOWN.encode("a🙂 (b)") == KNOWN.encode("a b")


def test_a_list_that_is_not_ours_is_refused():
    for tokens in (["a", "b"], [*SPECIAL, "a", "a"]):
        with pytest.raises(ValueError, match="token list"):
            Characters(tokens)
