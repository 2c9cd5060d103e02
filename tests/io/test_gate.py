"""The rule by which streams are left out of .dcd files."""

import pytest

from espnet2_decodec.io.gate import Gate


def kept(gate, *levels):
    return gate(*(10 ** (level / 10) for level in levels))


@pytest.mark.parametrize(
    ("speech", "background", "expected"),
    [
        (-20, -57, (True, True)),  # a faint background
        (-20, -66, (True, False)),  # leakage into the background of clean speech
        (-72, -24, (False, True)),  # leakage into the speech of rain
        (-57, -40, (True, True)),
        (-65, -40, (True, True)),  # quiet speech in a background
        (-70, -110, (True, False)),
        (-99, -89, (True, True)),
        (-113, -112, (False, False)),  # digital silence
    ],
)
def test_one_second(speech, background, expected):
    assert kept(Gate(), speech, background) == expected


@pytest.mark.parametrize("gain", range(0, -51, -10))
def test_speech_is_kept_at_any_level(gain):
    gate = Gate()
    for level in (-20, -35, -22, -48):
        assert kept(gate, level + gain, level + gain - 40)[0]


def test_the_background_of_pauses_is_relative_to_the_loudest_second_before():
    gate = Gate()
    assert kept(gate, -75, -80) == (True, True)  # the recording may be a quiet one
    assert kept(gate, -20, -80) == (True, False)
    assert kept(gate, -75, -80) == (True, False)
    assert kept(gate, -75, -59) == (True, True)


def test_a_threshold_replaces_the_rule():
    assert kept(Gate(-60.0), -61, -59) == (False, True)
    assert kept(Gate(-200.0), -150, -150) == (True, True)
