"""The rule by which streams are left out of .dcd files."""

import numpy as np
import pytest

from espnet2_decodec.io.gate import Gate


def power(level):
    return 10 ** (np.asarray(level, dtype=float) / 10)


def kept(gate, speech, background):
    """The decision on a second with steady streams of these levels in dBFS."""
    return gate(*(np.full(50, power(level)) for level in (speech, background)))


@pytest.mark.parametrize(
    ("speech", "background", "expected"),
    [
        (-20, -40, (True, True)),  # a faint background
        (-20, -44, (True, False)),  # noise of the room of clean speech
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
def test_the_decision_does_not_depend_on_the_level_of_the_recording(gain):
    one, other = Gate(), Gate()
    for level, noise in ((-20, -40), (-35, -40), (-22, -47), (-48, -90), (-20, -44)):
        found = kept(other, level + gain, noise + gain)
        assert found[0] and found[1] == kept(one, level, noise)[1]


def test_leakage_that_comes_with_the_speech_is_no_background():
    speech, leakage = np.full(50, power(-20)), np.full(50, power(-70))
    leakage[10:15] = power(-25)
    assert Gate()(speech, leakage) == (True, False)
    steady = np.full(50, leakage.mean())
    assert Gate()(speech, steady) == (True, True)


def test_a_short_sound_without_speech_is_kept():
    speech, sound = np.full(50, power(-20)), np.full(50, power(-80))
    speech[:15], sound[:10] = power(-80), power(-22)
    assert Gate()(speech, sound) == (True, True)


def test_the_background_of_pauses_is_relative_to_the_loudest_second_before():
    gate = Gate()
    assert kept(gate, -75, -80) == (True, True)  # the recording may be a quiet one
    assert kept(gate, -20, -80) == (True, False)
    assert kept(gate, -75, -80) == (True, False)
    assert kept(gate, -75, -39) == (True, True)


def test_a_steady_background_stays_until_it_is_clearly_fainter():
    gate, fresh = Gate(), Gate()
    kept(fresh, -20, -90)
    assert kept(gate, -20, -40)[1]
    assert kept(gate, -20, -44)[1] and not kept(fresh, -20, -44)[1]
    assert not kept(gate, -20, -52)[1]
    assert not kept(gate, -20, -44)[1]


def test_a_threshold_replaces_the_rule():
    assert kept(Gate(-60.0), -61, -59) == (False, True)
    assert kept(Gate(-200.0), -150, -150) == (True, True)


def test_streams_of_unknown_power_are_kept_and_absent_ones_are_not():
    unknown, absent = np.full(50, np.inf), np.zeros(50)
    assert Gate()(unknown, unknown) == (True, True)
    assert Gate()(unknown, absent) == (True, False)
    assert Gate()(absent, unknown) == (False, True)
