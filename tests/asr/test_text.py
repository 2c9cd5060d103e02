"""Transcripts become lower-case letters and single spaces, whatever the language."""

import pytest

from espnet2_decodec.data.asr_text import normalize


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
    assert normalize(text) == wanted


def test_what_is_normalized_stays():
    assert normalize(normalize("Ça va, l'ami?")) == "ça va l'ami"
