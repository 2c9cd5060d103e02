"""A full disk, as a limit of the size of files: one line with the name, the status 1, and no incomplete file."""

import resource
import signal
from contextlib import contextmanager

import numpy as np
import pytest

from espnet2_decodec.atomic import write_text
from espnet2_decodec.io.npy import save_array


@contextmanager
def largest_file(size):
    """Context manager in which files cannot grow beyond a number of bytes."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


COMMANDS = {
    "encode": ("encode", "a.wav", "-o", "out/a.dcd"),
    "npy": ("encode", "a.wav", "--npy", "-o", "out"),
    "separate": ("separate", "a.wav", "-o", "out"),
    "separate flac": ("separate", "a.wav", "-o", "out", "--format", "flac"),
    "separate opus": ("separate", "a.wav", "-o", "out", "--format", "opus"),
    "separate m4a": ("separate", "a.wav", "-o", "out", "--format", "m4a"),
    "decode": ("decode", "a.dcd", "-o", "out/a.wav"),
    "decode rescale": ("decode", "a.dcd", "-o", "out/a.wav", "--rescale"),
    "decode ogg": ("decode", "a.dcd", "-o", "out/a.ogg"),
    "remix": ("remix", "a.wav", "a.wav", "-o", "out/a.wav", "--gain", "0"),
    "stream": ("stream", "a.raw", "-o", "out/a.raw"),
}


@pytest.mark.parametrize("size", [20, 3000])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk(run, make_wav, tmp_path, monkeypatch, command, size):
    monkeypatch.chdir(tmp_path)
    wav = make_wav("a.wav", 32000)
    (tmp_path / "a.raw").write_bytes(wav.read_bytes()[44:])
    assert run("encode", "a.wav", "-o", "a.dcd")[0] == 0
    with largest_file(size):
        code, _, errors = run(*COMMANDS[command], "-q")
    if command in ("encode", "npy") and size == 3000:  # it is enough
        assert code == 0
        return
    assert code == 1 and len(errors) == 1 and "File too large" in errors[0] and "out/a." in errors[0]
    assert not (tmp_path / "out").is_dir() or not list((tmp_path / "out").iterdir())


def test_the_rest_of_a_batch_is_processed(run, make_wav, tmp_path):
    make_wav("in/a.wav", 32000), make_wav("in/b.wav", 320)
    with largest_file(3000):
        code, _, errors = run("separate", tmp_path / "in", "-o", tmp_path / "out", "-q")
    assert code == 1 and len(errors) == 2 and "a.speech.wav: File too large" in errors[0]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["b.background.wav", "b.speech.wav"]


def test_texts_and_arrays_are_whole_or_not_there(tmp_path):
    for write, content in ((write_text, "a" * 5000), (save_array, np.zeros(5000, np.int8))):
        with largest_file(4096), pytest.raises(OSError, match="File too large"):
            write(tmp_path / "a", content)
        assert list(tmp_path.iterdir()) == []
        write(tmp_path / "b", content)
        (tmp_path / "b").unlink()
