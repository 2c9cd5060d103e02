"""Data of the plain loop: recordings in memory or in shards, and room impulse responses."""

import json

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.data.kaldi import write_table
from espnet2_decodec.data.rooms import RoomResponses
from espnet2_decodec.data.shard_writing import finish_shards, write_shards
from espnet2_decodec.training.__main__ import main
from espnet2_decodec.training.data import read_data, read_rooms

SETTINGS = ("codec_conf.teacher=null", "trainer_conf.batch_size=2", "trainer_conf.segment_length=4800",
            "trainer_conf.num_backgrounds=1", "trainer_conf.steps=1", "trainer_conf.warmup_steps=1",
            "codec_conf.schedule.pretraining_steps=5", "codec_conf.codec.backbone.channels=16")  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Speech of constants, which tell the recordings apart, with shards of three; a room of a single echo."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("speech_train", "background_train", "speech_dev", "background_dev"):
        (folder / name).mkdir()
        paths = {f"r{k}": folder / name / f"{k}.wav" for k in range(8)}
        for k, path in enumerate(paths.values()):
            soundfile.write(path, np.full(9000, (k + 1) / 64), 16000)
        write_table(folder / name / "wav.scp", paths)
        if name.endswith("train"):
            write_shards(folder / name, folder / name / "shards", 3)
            finish_shards(folder / name / "shards")
    (folder / "rir_train").mkdir()
    soundfile.write(folder / "rir_train" / "r.wav", [0.5] + [0.0] * 99 + [0.25], 16000, subtype="FLOAT")
    write_table(folder / "rir_train" / "wav.scp", {"r": folder / "rir_train" / "r.wav"})
    return folder


def test_shards_give_segments_of_the_same_recordings(data):
    for source in (*read_data(data)[:2], *read_data(data, shards=True)[:2]):
        drawn, again, other = (source.draw(300, 100, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
        assert torch.equal(drawn, again) and not torch.equal(drawn, other)
        assert drawn.dtype == torch.float32 and (drawn == drawn[:, :1]).all()
        values, counts = drawn[:, 0].unique(return_counts=True)
        assert (64 * values).tolist() == list(range(1, 9)) and counts.min() > 15


def test_missing_shards_are_refused(data, tmp_path):
    with pytest.raises(ValueError, match="speech_train/shards/shards.json is not there"):
        read_data(tmp_path, shards=True)


def test_a_share_of_the_segments_is_reverberated(data):
    rooms, wavs = read_rooms(data), torch.zeros(200, 300)
    wavs[:, 10] = 1.0
    wet = rooms.reverberate_some(wavs, 0.25, np.random.default_rng(0))
    echo = wet[:, 110]
    assert torch.allclose(wet[:, 10], torch.ones(200)) and 30 < int((echo - 0.5).abs().lt(1e-6).sum()) < 70
    assert int(echo.abs().lt(1e-6).sum()) + int((echo - 0.5).abs().lt(1e-6).sum()) == 200


def test_without_room_impulse_responses(tmp_path):
    assert read_rooms(tmp_path) is None


def test_a_training_from_shards_in_rooms(data, tmp_path, monkeypatch):
    used = []
    some = RoomResponses.reverberate_some
    monkeypatch.setattr(RoomResponses, "reverberate_some", lambda *given: used.append(given[2]) or some(*given))
    main(["--data", str(data), "--out", str(tmp_path), "--device", "cpu", "--shards", "--set", *SETTINGS,
          "preprocessor_conf.rir_prob=1.0"])  # fmt: skip
    assert used == [1.0]
    assert json.loads((tmp_path / "log.jsonl").read_text())["step"] == 1
