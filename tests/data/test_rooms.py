"""Reverberation by room impulse responses: aligned, of the same length, drawn by room, and refused where wrong."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.preprocessor import StemPreprocessor
from espnet2_decodec.data.rooms import RoomResponses


@pytest.fixture
def responses(tmp_path):
    """A wav.scp with 9 responses of one room, a single echo, and one of another, without echo."""
    lines = []
    for number in range(10):
        response = np.zeros(200)
        response[0] = 0.9
        response[100] = 0.45 if number < 9 else 0
        soundfile.write(tmp_path / f"{number}.wav", response, 16000, subtype="FLOAT")
        lines.append((f"r{number}", tmp_path / f"{number}.wav", "hall" if number < 9 else "cell"))
    (tmp_path / "wav.scp").write_text("".join(f"{name} {path}\n" for name, path, _ in lines))
    (tmp_path / "utt2spk").write_text("".join(f"{name} {room}\n" for name, _, room in lines))
    return tmp_path / "wav.scp"


def test_speech_keeps_its_length_and_position(responses):
    rooms, wav = RoomResponses(responses), np.zeros(1000, np.float32)
    wav[300] = 0.5
    seen = set()
    for seed in range(20):
        wet = rooms.reverberate(wav, np.random.default_rng(seed))
        assert wet.shape == wav.shape and wet.dtype == np.float32
        assert wet[300] == pytest.approx(0.5, abs=1e-6) and np.abs(wet[:300]).max() < 1e-6
        seen.add(round(float(wet[400]), 3))
    assert seen == {0.25, 0.0}


def test_rooms_are_drawn_alike_however_many_responses_they_have(responses):
    rooms, rng = RoomResponses(responses), np.random.default_rng(0)
    echoes = [rooms.draw(rng)[100] > 0 for _ in range(400)]
    assert 160 < sum(echoes) < 240


def test_items_of_training_are_reverberated_with_a_probability(responses):
    def item(probability, rooms):
        np.random.seed(3)
        preprocessor = StemPreprocessor(True, rooms=rooms, rir_prob=probability, speed_range=(1, 1))
        return preprocessor("a", {"audio": np.random.default_rng(1).standard_normal(16000) / 9})["audio"]

    rooms = RoomResponses(responses)
    assert np.array_equal(item(0.0, rooms), item(1.0, None))
    wet = [item(p, rooms) for p in (1.0, 1.0)]
    assert np.array_equal(*wet) and not np.allclose(wet[0], item(0.0, rooms))
    with pytest.raises(ValueError, match="rir_prob is a probability"):
        StemPreprocessor(True, rir_prob=1.5)


def test_a_response_that_was_not_prepared_is_refused(responses, tmp_path):
    soundfile.write(tmp_path / "9.wav", np.eye(1, 200, 50)[0], 16000)
    (tmp_path / "utt2spk").unlink()
    with pytest.raises(ValueError, match="9.wav does not begin with the direct sound"):
        for seed in range(100):
            RoomResponses(responses).draw(np.random.default_rng(seed))
