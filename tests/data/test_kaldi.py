"""Kaldi tables: round trip, what Kaldi and ESPnet read, and errors."""

import os

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.kaldi import check_id, read_table, write_table
from espnet2_decodec.data.sampler import RecordingList
from espnet2_decodec.io.audio import read, write


def test_tables_come_back_sorted(tmp_path):
    write_table(tmp_path / "text", {"b": "two words", "B": 1, "a-1": "x", "a_1": "y"})
    assert (tmp_path / "text").read_text() == "B 1\na-1 x\na_1 y\nb two words\n"
    assert read_table(tmp_path / "text") == {"B": "1", "a-1": "x", "a_1": "y", "b": "two words"}


@pytest.mark.parametrize(
    "content",
    [
        "u1\t/my dir/a.wav\nu2   /b  c.wav\n",
        "\ufeffu1 /my dir/a.wav\nu2 /b  c.wav",
        "u1 /my dir/a.wav\r\n\r\n\n  u2 /b  c.wav \t\n\n",
    ],
    ids=["tabs and blanks", "byte order mark", "CRLF and empty lines"],
)
def test_white_space_and_byte_order_marks(tmp_path, content):
    (tmp_path / "wav.scp").write_bytes(content.encode())
    assert read_table(tmp_path / "wav.scp") == {"u1": "/my dir/a.wav", "u2": "/b  c.wav"}


def test_lines_end_at_newlines_only(tmp_path):
    texts = {"u1": "good\u2028morning", "u2": "one\x0btwo\x0cthree", "u3": "caf\x85e", "u4": "a\u2029b\x1cc\x1dd\x1ee"}
    (tmp_path / "text").write_text("".join(f"{key} {text}\n" for key, text in texts.items()), encoding="utf-8")
    assert read_table(tmp_path / "text") == texts
    write_table(tmp_path / "copy", texts)
    assert read_table(tmp_path / "copy") == texts


def test_tables_are_those_of_espnet(tmp_path):
    read_text = pytest.importorskip("espnet2.fileio.read_text")
    (tmp_path / "text").write_text("u1 good\u2028morning\nu2\tone\x0btwo \x0c\nu3   caf\x85e b\t c\n", encoding="utf-8")
    assert read_table(tmp_path / "text") == read_text.read_2columns_text(tmp_path / "text")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"a 1\nb 1\n\na 2\n", "wav.scp, line 4: a occurs twice, first in line 1"),
        (b"b 1\na\n", "wav.scp, line 2: 'a' is not 'key value'"),
        (b"", "wav.scp is empty"),
        (b"\n \n", "wav.scp is empty"),
        (b"a 1\nu sox a.flac -t wav - | \n", "wav.scp, line 2: commands such as 'sox a.flac -t wav - |' are not run"),
    ],
)
def test_bad_tables(tmp_path, content, message):
    (tmp_path / "wav.scp").write_bytes(content)
    with pytest.raises(ValueError, match=message.replace("|", r"\|")):
        read_table(tmp_path / "wav.scp")
    with pytest.raises(ValueError, match="not there"):
        read_table(tmp_path / "other.scp")


def test_paths_are_names_of_the_file_system(tmp_path):
    """A name in Latin-1 is read, opened and written back byte by byte, whatever Unicode makes of it."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    names = [b"a\xe9.wav", b"b\xe9.mp3", "c\u2028\xa0d.wav".encode(), "e\xa0".encode()]
    content = b"".join(b"u%d %s/%s\n" % (i, os.fsencode(folder), name) for i, name in enumerate(names))
    (tmp_path / "wav.scp").write_bytes(content)
    table = read_table(tmp_path / "wav.scp")
    assert [os.path.basename(os.fsencode(path)) for path in table.values()] == names
    write_table(tmp_path / "copy.scp", table)
    assert (tmp_path / "copy.scp").read_bytes() == content
    for path in list(table.values())[:2]:
        form = "MP3" if path.endswith("mp3") else "WAV"
        soundfile.write(os.fsencode(path), np.full(16000, 0.1), 16000, format=form)
        assert read(path).mean() == pytest.approx(0.1, abs=1e-2)
    write(folder / os.fsdecode(b"\xe9.wav"), [np.full(100, 2.0)], 16000, rescale=True)
    assert read(folder / os.fsdecode(b"\xe9.wav")).max() == pytest.approx(0.99, abs=1e-3)


def test_transcripts_are_utf8(tmp_path):
    (tmp_path / "text").write_bytes(b"a 1\nu caf\xe9\n")
    with pytest.raises(ValueError, match="text, line 2: byte 0xe9 is not UTF-8; convert the table, for example"):
        read_table(tmp_path / "text")


def test_a_transcript_may_end_like_a_command(tmp_path):
    (tmp_path / "text").write_text("a yes |\n")
    assert read_table(tmp_path / "text") == {"a": "yes |"}


def test_missing_ids_are_named_with_file_and_line(tmp_path):
    (tmp_path / "wav.scp").write_text("a /a.wav\nb /b.wav\n")
    (tmp_path / "utt2spk").write_text("a x\n")
    paths, speakers = read_table(tmp_path / "wav.scp"), read_table(tmp_path / "utt2spk")
    with pytest.raises(ValueError, match=r"utt2spk has no line for b"):
        speakers["b"]
    with pytest.raises(ValueError, match=r"wav.scp, line 2: b has no line in .*utt2spk"):
        speakers.require(paths)
    with pytest.raises(ValueError, match=r"wav.scp, line 2: b has no line in .*utt2spk"):
        RecordingList(tmp_path / "wav.scp")


def test_ids_that_are_no_file_names():
    assert check_id("spk1-utt_2") == "spk1-utt_2"
    with pytest.raises(ValueError, match="file name"):
        check_id("spk1/utt2")
