"""Files below a folder: links, loops, what cannot be read, and what is left out."""

import os

import pytest

from espnet2_decodec.folders import find_files, suffix_counts


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def names(folder, paths):
    return [str(path.relative_to(folder)) for path in paths]


def test_links_are_followed_and_loops_are_not(tmp_path):
    folder = tmp_path / "in"
    touch(folder / "a" / "1.wav")
    touch(tmp_path / "elsewhere" / "2.WAV")
    (folder / "b").symlink_to(tmp_path / "elsewhere")
    (folder / "c").symlink_to(tmp_path / "elsewhere")
    (folder / "a" / "up").symlink_to(folder)
    (tmp_path / "elsewhere" / "self").symlink_to(tmp_path / "elsewhere")
    (folder / "3.wav").symlink_to(folder / "a" / "1.wav")
    (tmp_path / "link").symlink_to(folder)
    for start in (folder, tmp_path / "link"):
        found = find_files(start, [".wav"])
        assert names(start, found.files) == ["3.wav", "a/1.wav", "b/2.WAV", "c/2.WAV"]
        assert not found.problems and not found.other


def test_broken_links_and_special_files_are_problems(tmp_path):
    touch(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to("/nonexistent.wav")
    (tmp_path / "speaker").symlink_to("/nonexistent")
    os.mkfifo(tmp_path / "c.wav")
    found = find_files(tmp_path, [".wav"])
    messages = [message for _, message in found.problems]
    assert names(tmp_path, found.files) == ["a.wav"]
    assert [path.name for path, _ in found.problems] == ["b.wav", "c.wav", "speaker"]
    assert "broken link to /nonexistent.wav" in messages[0] and "not a regular file" in messages[1]


def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path, monkeypatch):
    touch(tmp_path / "locked" / "a.wav")
    touch(tmp_path / "open" / "b.wav")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_files(tmp_path, [".wav"])
    assert names(tmp_path, found.files) == ["open/b.wav"]
    assert [message for _, message in found.problems] == [f"{tmp_path / 'locked'} cannot be read: Permission denied."]


def test_hidden_files_and_the_output_are_left_out(tmp_path):
    for name in (
        "a.wav",
        "._a.wav",
        ".hidden.wav",
        ".trash/b.wav",
        "out/c.wav",
        "notes.txt",
        "a.lab",
        "a.png",
        "d.xyz",
        "e.voc",
        "README",
    ):
        touch(tmp_path / name)
    found = find_files(tmp_path, [".wav"], [tmp_path / "." / "out", tmp_path])
    assert names(tmp_path, found.files) == ["a.wav"] and found.excluded == [tmp_path / "out"]
    assert suffix_counts(found.other) == "3 files (.voc, .xyz, no suffix)"


@pytest.mark.parametrize("name", ["über\u2028.wav", "a b.wav", "-x.wav"])
def test_any_name(tmp_path, name):
    touch(tmp_path / name)
    assert names(tmp_path, find_files(tmp_path, [".wav"]).files) == [name]
