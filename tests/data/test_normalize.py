import pytest

from espnet2_decodec.data.normalize import PUNCTUATION, normalize_english, split_sentences

SPOKEN = {
    "Dr. Smith paid $3.50 for 2 lbs. of it.": "doctor Smith paid three dollars and fifty cents for two pounds of it.",
    "Main St. to St. John St.": "Main street to saint John street.",
    "On March 3, 2024 at 9:05 pm": "On March third, twenty twenty four at nine oh five P M",
    "2024-03-05 or 3/5/2024": "March fifth, twenty twenty four or March fifth, twenty twenty four",
    "25 December 1999, the 5th of May": "twenty fifth of December, nineteen ninety nine, the fifth of May",
    "It was -5°C, 20 km/h": "It was minus five degrees celsius, twenty kilometers per hour",
    "1,234 of 10,000": "one thousand two hundred and thirty four of ten thousand",
    "pages 3-5, 1/2, 2 3/4": "pages three to five, one half, two and three quarters",
    "in 1995 and 1905, the 1990s": "in nineteen ninety five and nineteen oh five, the nineteen nineties",
    "£2 million, €1.5 billion": "two million pounds, one point five billion euros",
    "$1 or $0.99": "one dollar or ninety nine cents",
    "version 2.11.0": "version two point eleven point zero",
    "v1.2.3 of .5 mm for $.50": "v one point two point three of zero point five millimeters for fifty cents",
    "my Ph.D. and B.Sc. there": "my P H D and B S C there",
    "1234567890123456 km": "one two three four five six seven eight nine zero one two three four five six kilometers",
    "1000000000000001st": "one zero zero zero zero zero zero zero zero zero zero zero zero zero zero first",
    "007 or 5551234567": "zero zero seven or five five five one two three four five six seven",
    "10:00, 13:30, 5 p.m., 12:30:15": "ten o'clock, thirteen thirty, five P M, twelve thirty and fifteen seconds",
    "the 21st, 3.14 and 50%": "the twenty first, three point one four and fifty percent",
    "me@example.com & www.debian.org": "me at example dot com and www dot debian dot org",
    "the U.S. army, e.g. No. 5": "the U S army, for example number five",
    "Café naïve Straße — «Hello» (he said)": "Cafe naive Strasse, Hello, he said",
    "don't 'quote' it’s": "don't quote it's",
    "Why?! Wait... no --- yes": "Why? Wait, no, yes",
}


@pytest.mark.parametrize("text", SPOKEN)
def test_text_as_it_is_read(text):
    assert normalize_english(text) == SPOKEN[text]


@pytest.mark.parametrize("text", SPOKEN)
def test_normalized_text_stays_as_it_is(text):
    normalized = normalize_english(text)
    assert normalize_english(normalized) == normalized
    assert all(c.isascii() and (c.isalpha() or c in f"' {PUNCTUATION}") for c in normalized)


@pytest.mark.parametrize("text", ["", "...", "?! -- *", "😀"])
def test_text_without_words_is_refused(text):
    with pytest.raises(ValueError, match="no word"):
        normalize_english(text)


@pytest.mark.parametrize("text", [f"{'9' * 400} km", f"the {'1' * 400}th", f"${'9' * 400}", f"{'1' * 400}/2"])
def test_numbers_of_any_length_are_read(text):
    assert len(normalize_english(text).split()) >= 400


def test_letters_of_other_scripts_are_named():
    with pytest.raises(ValueError, match="cannot read these characters: 你 好$"):
        normalize_english("Hello 你好")


def test_sentences_end_at_marks_and_not_at_abbreviations():
    text = 'Dr. Smith came at 3.5 p.m. He left! "Why?" J. K. asked, e.g. here.\n\nNew U.S. army'
    assert split_sentences(text) == [
        "Dr. Smith came at 3.5 p.m.", "He left!", '"Why?"', "J. K. asked, e.g. here.", "New U.S. army",
    ]  # fmt: skip


def test_no_text_is_lost_between_sentences():
    text = "One. Two? Three! Four; five: six (seven). Eight"
    assert " ".join(split_sentences(text)) == text
