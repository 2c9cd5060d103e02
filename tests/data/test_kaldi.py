"""Kaldi tables: round trip, and errors."""

import pytest

from espnet2_decodec.data.kaldi import check_id, read_table, write_table


def test_tables_come_back_sorted(tmp_path):
    write_table(tmp_path / "text", {"b": "two words", "B": 1, "a-1": "x", "a_1": "y"})
    assert (tmp_path / "text").read_text() == "B 1\na-1 x\na_1 y\nb two words\n"
    assert read_table(tmp_path / "text") == {"B": "1", "a-1": "x", "a_1": "y", "b": "two words"}


@pytest.mark.parametrize("content, message", [("a 1\na 2\n", "twice"), ("a\n", "is not 'key value'"), ("", "empty")])
def test_bad_tables(tmp_path, content, message):
    (tmp_path / "wav.scp").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "wav.scp")
    with pytest.raises(ValueError, match="not there"):
        read_table(tmp_path / "other.scp")


def test_ids_that_are_no_file_names():
    assert check_id("spk1-utt_2") == "spk1-utt_2"
    with pytest.raises(ValueError, match="file name"):
        check_id("spk1/utt2")
