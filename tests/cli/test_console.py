"""Messages and progress of the command."""

import pytest

from espnet2_decodec import progress
from espnet2_decodec.cli import console


@pytest.fixture(autouse=True)
def immediate(monkeypatch):
    """Progress lines without delay; the next test starts without --quiet."""
    monkeypatch.setattr(progress, "FIRST_LINE", 0.0)
    console.configure(quiet=False)
    yield
    console.configure(quiet=False)


def test_a_note_is_printed_once(capsys):
    console.note("resampled")
    console.note("resampled")
    assert capsys.readouterr().err == "decodec: note: resampled\n"


def test_quiet_leaves_warnings_and_errors(capsys):
    console.configure(quiet=True)
    console.note("resampled")
    console.warn("clipped")
    console.error(OSError(2, "No such file", "a.wav"))
    assert list(console.track_seconds(range(3), 3, "a.wav", lambda _: 1)) == [0, 1, 2]
    assert list(console.track_files(range(3), "encode")) == [0, 1, 2]
    printed = capsys.readouterr().err.splitlines()
    assert printed == ["decodec: warning: clipped", "decodec: error: a.wav: No such file"]


def test_an_error_of_several_lines_is_one_line(capsys):
    console.error("one\n  two")
    assert capsys.readouterr().err == "decodec: error: one two\n"


def test_progress_in_seconds_and_files(capsys):
    assert list(console.track_seconds(range(3), 2.6, "a.wav", lambda _: 1)) == [0, 1, 2]
    assert "a.wav: 100 % (3 of 3 s)" in capsys.readouterr().err
    assert list(console.track_files(["a", "b"], "encode")) == ["a", "b"]
    assert "encode: 100 % (2 of 2 files)" in capsys.readouterr().err
    assert list(console.track_files(["a"], "encode")) == ["a"] and not capsys.readouterr().err
