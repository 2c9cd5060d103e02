"""Atomic writes: whole or not at all, long names, leftovers of killed processes, streams."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from espnet2_decodec import atomic
from espnet2_decodec.atomic import atomic_group, atomic_write


@pytest.fixture(autouse=True)
def clean_again(monkeypatch):
    monkeypatch.setattr(atomic, "_cleaned", set())


def test_a_name_of_255_bytes(tmp_path):
    for name in ("x" * 255, "あ" * 83 + ".wav"):
        with atomic_write(tmp_path / name) as temporary:
            assert len(os.fsencode(temporary.name)) < 100
            temporary.write_text("a")
        assert (tmp_path / name).read_text() == "a"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_name_that_is_too_long_is_named(tmp_path):
    with pytest.raises(OSError) as error:
        with atomic_write(tmp_path / ("x" * 256)) as temporary:
            temporary.write_text("a")
    assert error.value.errno == errno.ENAMETOOLONG and error.value.filename == str(tmp_path / ("x" * 256))
    assert not list(tmp_path.iterdir())


def test_an_error_of_writing_names_the_file(tmp_path):
    with pytest.raises(OSError) as error:
        with atomic_write(tmp_path / "a.wav"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert error.value.errno == errno.ENOSPC and error.value.filename == str(tmp_path / "a.wav")


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    code = (
        "import sys, time; from espnet2_decodec.atomic import atomic_write\n"
        "with atomic_write(sys.argv[1]) as path:\n"
        "    path.write_text('half'); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / "a.wav"], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        (leftover,) = tmp_path.iterdir()
        with atomic_write(tmp_path / "b.wav") as temporary:
            temporary.write_text("b")
        assert leftover.exists()  # its process still runs
        process.kill()
        process.wait()
    atomic._cleaned.clear()
    with atomic_write(tmp_path / "b.wav") as temporary:
        temporary.write_text("b")
    assert [path.name for path in tmp_path.iterdir()] == ["b.wav"]


def test_only_old_files_of_other_machines_are_removed(tmp_path):
    names = [f".decodec-00000000-ffffff-1-{start}.tmp" for start in (1, 2)]
    for name in (*names, ".user.tmp", "x.tmp"):
        (tmp_path / name).write_text("x")
    os.utime(tmp_path / names[0], (time.time() - 2 * atomic.MAX_AGE,) * 2)
    atomic.remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([names[1], ".user.tmp", "x.tmp"])


def test_a_group_is_written_whole_or_not_at_all(tmp_path):
    for fail in (True, False):
        try:
            with atomic_group():
                with atomic_write(tmp_path / "a") as temporary:
                    temporary.write_text("a")
                with atomic_write(tmp_path / "b") as temporary:
                    temporary.write_text("b")
                    if fail:
                        raise ValueError
        except ValueError:
            assert not list(tmp_path.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_streams_are_written_to_and_not_replaced(tmp_path, capfdbinary):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    for path in ("-", "/dev/stdout", fifo):
        assert atomic.is_stream(path)
        with atomic_write(path) as temporary:
            temporary.write_bytes(b"RIFF")
    assert os.read(reader, 10) == b"RIFF" and fifo.is_fifo() and Path("/dev/stdout").is_symlink()
    os.close(reader)
    assert not atomic.is_stream(tmp_path / "-x") and not atomic.is_stream(tmp_path)
