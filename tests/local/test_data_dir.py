"""Kaldi data directories are sorted, complete and validated."""

from pathlib import Path

import pytest

from espnet2_decodec.data.kaldi import read_table
from local import data_dir


def utterances(folder: Path) -> list[data_dir.Utterance]:
    folder.mkdir(parents=True, exist_ok=True)
    result = []
    for number, (speaker, name) in enumerate([("b", "2"), ("a_x", "1"), ("a", "é"), ("a", "Z"), ("b", "10")]):
        path = folder / f"{number}.wav"
        path.write_bytes(b"")
        text = f"says  {name}".replace("  ", " ") if speaker == "a" else ""
        result.append(data_dir.Utterance(f"{speaker}-{name}", path, speaker, 1.0 + number, text=text))
    return result


def test_every_file_is_in_c_order_and_spk2utt_is_the_inverse(tmp_path):
    data_dir.write(tmp_path / "set", utterances(tmp_path / "wav"))
    for name in ("wav.scp", "utt2spk", "spk2utt", "utt2dur", "text"):
        lines = (tmp_path / "set" / name).read_bytes().splitlines()
        assert lines == sorted(lines)
    spk2utt = read_table(tmp_path / "set" / "spk2utt")
    assert spk2utt == {"a": "a-Z a-é", "a_x": "a_x-1", "b": "b-10 b-2"}


def test_only_utterances_with_a_text_are_in_text(tmp_path):
    data_dir.write(tmp_path / "set", utterances(tmp_path / "wav"))
    assert set(read_table(tmp_path / "set" / "text")) == {"a-Z", "a-é"}
    assert not (tmp_path / "set" / "utt2class").exists()


def test_an_empty_set_and_a_repeated_id_are_refused(tmp_path):
    with pytest.raises(ValueError, match="would be empty"):
        data_dir.write(tmp_path / "set", [])
    one = utterances(tmp_path / "wav")[0]
    with pytest.raises(ValueError, match="have the same utterance id"):
        data_dir.write(tmp_path / "set", [one, one])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("utt2spk", "a-Z a\n", "wav.scp, line 2: a-é has no line in .*utt2spk"),
        ("spk2utt", "a a-Z a-é\na_x a_x-1\nb b-10\n", "not the inverse"),
        ("text", "nobody hello\n", "text, line 1: nobody has no line in .*wav.scp"),
        ("utt2dur", "b-2 1\nb-10 2\n", "not sorted"),
        ("wav.scp", "a-Z\n", "is not 'key value'"),
        ("wav.scp", "a-Z x\na-Z y\n", "occurs twice"),
    ],
)
def test_validate_names_the_file_that_is_wrong(tmp_path, name, content, message):
    data_dir.write(tmp_path / "set", utterances(tmp_path / "wav"))
    (tmp_path / "set" / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        data_dir.validate(tmp_path / "set")


def test_validate_misses_a_lost_table_and_a_lost_recording(tmp_path):
    made = utterances(tmp_path / "wav")
    data_dir.write(tmp_path / "set", made)
    made[0].path.unlink()
    with pytest.raises(ValueError, match="does not exist"):
        data_dir.validate(tmp_path / "set")
    (tmp_path / "set" / "utt2spk").unlink()
    with pytest.raises(ValueError, match="has no utt2spk"):
        data_dir.validate(tmp_path / "set")
