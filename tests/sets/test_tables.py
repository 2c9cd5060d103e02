"""Kaldi tables and wavs: what is written comes back, what is wrong is named."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.sets.tables import Partial, check_id, read_table, read_wav, write_table, write_wav


def test_tables_come_back_sorted(tmp_path):
    write_table(tmp_path / "text", {"b": "two words", "B": 1, "a-1": "x", "a_1": "y"})
    assert (tmp_path / "text").read_text() == "B 1\na-1 x\na_1 y\nb two words\n"
    assert read_table(tmp_path / "text") == {"B": "1", "a-1": "x", "a_1": "y", "b": "two words"}


@pytest.mark.parametrize("content, message", [("a 1\na 2\n", "twice"), ("a\n", "no 'key value'"), ("", "empty")])
def test_bad_tables(tmp_path, content, message):
    (tmp_path / "wav.scp").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "wav.scp")
    with pytest.raises(ValueError, match="not there"):
        read_table(tmp_path / "other.scp")


def test_wavs_come_back(tmp_path):
    samples = np.array([0, 1, -5, 32767, -32768], dtype=np.int16)
    write_wav(tmp_path / "a" / "x.wav", samples, 16000)
    assert torch.equal(read_wav(tmp_path / "a" / "x.wav", 16000) * 32768, torch.from_numpy(samples).float())
    write_wav(tmp_path / "y.wav", torch.tensor([0.5, 2.0, -2.0]), 16000)
    assert read_wav(tmp_path / "y.wav", 16000).tolist() == [0.5, 32767 / 32768, -1.0]


def test_bad_wavs(tmp_path):
    soundfile.write(tmp_path / "stereo.wav", np.zeros((10, 2)), 16000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    (tmp_path / "text.wav").write_text("no audio")
    for name, message in (("stereo", "mono at 16000"), ("empty", "no samples"), ("text", "cannot be read"), ("none", "cannot")):
        with pytest.raises(ValueError, match=message):
            read_wav(tmp_path / f"{name}.wav", 16000)
    with pytest.raises(ValueError, match="mono at 8000"):
        read_wav(tmp_path / "empty.wav", 8000)


def test_an_interrupted_file_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), Partial(tmp_path / "x") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_ids_that_are_no_file_names():
    assert check_id("spk1-utt_2") == "spk1-utt_2"
    with pytest.raises(ValueError, match="file name"):
        check_id("spk1/utt2")
