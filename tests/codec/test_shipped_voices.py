"""What the models in the package take for speech: recordings of voices, alone and at once, and other sounds of people.

The bounds are those that a model keeps with a margin; docs/separation.md has the figures, and what models do not keep.
"""

import numpy as np
import pytest

from espnet2_decodec import DeCodec
from espnet2_decodec.codec.serialization import DEFAULT_MODEL
from research.separation import voices

pytestmark = pytest.mark.skipif(not DEFAULT_MODEL.is_dir(), reason="this tree comes without a trained model")

NAMES = ("decodec-16k", "decodec-16k-causal", "decodec-16k-semantic")
WHISPER_BOUNDS = {"decodec-16k": -4.5, "decodec-16k-causal": -3.0, "decodec-16k-semantic": -3.0}
"""Mean energy kept, in dB; single sentences lose more."""


@pytest.fixture(scope="module", params=NAMES)
def codec(request) -> DeCodec:
    return DeCodec.from_pretrained(request.param)


def test_two_voices_at_once_are_both_kept(codec):
    pairs = [voices.voices_at_once(2, first) for first in (0, 2, 4, 6)]
    assert all(voices.kept(codec, pair) > -3 for pair in pairs)
    assert all(voices.weakest_gain(codec, pair) > -6 for pair in pairs)


def test_a_second_voice_is_kept_20_db_below_the_first(codec):
    one, other = voices.voices_at_once(2)
    assert voices.weakest_gain(codec, [one, 0.1 * other]) > -5


def test_babble_alone_goes_to_the_background(codec):
    babble = voices.voices_at_once(6)
    speech, background, parts = voices.separate(codec, babble)
    assert voices.decibels(speech, sum(parts)) < -5
    assert voices.decibels(background, sum(parts)) > -5


def test_babble_behind_a_voice_goes_to_the_background(codec):
    found = [voices.behind_a_voice(codec, 6, first) for first in (0, 2, 4, 6)]
    level, gain = np.mean(found, axis=0)
    assert level < -6 and gain > 2


def test_children_are_kept(codec):
    assert all(voices.kept(codec, [wav]) > -1 for wav in voices.load("child"))


def test_whispers_are_kept(codec, request):
    found = [voices.kept(codec, [voices.whispered(wav)]) for wav in voices.load("adult")]
    assert np.mean(found) > WHISPER_BOUNDS[request.node.callspec.params["codec"]]


def test_a_whisper_is_as_loud_as_the_sentence_over_time_and_has_no_pitch():
    wav = voices.load("adult")[0]
    whisper = voices.whispered(wav, tilt=0.0)
    levels, pitches = zip(*(frames_of(x) for x in (wav, whisper)))
    assert np.corrcoef(*levels)[0, 1] > 0.9
    assert pitches[0] > 0.5 > 0.35 > pitches[1]


def frames_of(wav):
    """Levels in dB of frames of 40 ms, and the median periodicity of loud ones: autocorrelation at 80 to 400 Hz."""
    frames = wav[: len(wav) // 640 * 640].view(-1, 640).double().numpy()
    power = np.square(frames).mean(1)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, 2048)) ** 2)
    periodicity = correlation[:, 40:200].max(axis=1) / correlation[:, 0].clip(1e-9)
    return 10 * np.log10(power + 1e-9), np.median(periodicity[power > 0.1 * power.max()])


def test_four_of_five_recordings_of_singing_are_kept(codec):
    found = sorted(voices.kept(codec, [wav]) for wav in voices.load("singing"))
    assert len(found) == 5 and found[1] > -3 and found[2] > -1


@pytest.mark.parametrize("codec", ["decodec-16k", "decodec-16k-semantic"], indirect=True)
def test_laughter_is_kept(codec):
    assert all(voices.kept(codec, [wav]) > -4 for wav in voices.load("laugh"))


@pytest.mark.parametrize("codec", ["decodec-16k"], indirect=True)
def test_coughs_are_kept(codec):
    """The other models were trained further with sneezes among the backgrounds."""
    assert all(voices.kept(codec, [wav]) > -2 for wav in voices.load("cough"))
