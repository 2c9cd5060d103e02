"""Audio and tokens are read from the standard input and from pipes, and written to them."""

import io
import os
import threading

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.atomic import atomic_write
from espnet2_decodec.io import audio, errors

from .conftest import RATE, chirp


class Binary(io.TextIOWrapper):
    """A standard stream of bytes."""

    def isatty(self):
        return False


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "ogg", "m4a"])
def test_standard_input(make, monkeypatch, kind):
    """`-` gives what the file gives, for any number of iterations."""
    path = make(kind, chirp())
    monkeypatch.setattr("sys.stdin", Binary(io.BytesIO(path.read_bytes())))
    reader = audio.AudioReader("-", RATE)
    for _ in range(2):
        assert torch.equal(torch.cat(list(reader)), audio.read(path, RATE))


def test_named_pipe_and_descriptor(make, tmp_path):
    """A FIFO, and /dev/fd/N as bash passes it for a process substitution."""
    path, fifo = make("wav", chirp()), tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(path.read_bytes()))
    writer.start()
    assert torch.equal(audio.read(fifo, RATE), audio.read(path, RATE))
    writer.join()
    receive, send = os.pipe()
    writer = threading.Thread(target=lambda: [os.write(send, path.read_bytes()), os.close(send)])
    writer.start()
    assert torch.equal(audio.read(f"/dev/fd/{receive}", RATE), audio.read(path, RATE))
    writer.join()
    os.close(receive)


def test_errors_of_pipes(monkeypatch):
    """An empty input, a terminal and a device have one line each."""
    monkeypatch.setattr("sys.stdin", Binary(io.BytesIO()))
    with pytest.raises(errors.EmptyAudioError, match="- is an empty file"):
        audio.read("-", RATE)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    with pytest.raises(errors.MissingFileError, match="is a terminal"):
        audio.read("-", RATE)
    with pytest.raises(errors.MissingFileError, match="/dev/null is a device"):
        audio.read("/dev/null", RATE)


def test_wav_to_standard_output(monkeypatch, tmp_path):
    """It is written when it is complete, and not after an error."""
    target = io.BytesIO()
    monkeypatch.setattr("sys.stdout", Binary(target))
    monkeypatch.chdir(tmp_path)
    audio.write("-", [chirp()], RATE)
    wav, rate = soundfile.read(io.BytesIO(target.getvalue()))
    assert rate == RATE and np.abs(wav - chirp()).max() < 1e-4
    size = len(target.getvalue())
    with pytest.raises(ZeroDivisionError), atomic_write("-") as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert len(target.getvalue()) == size and not list(tmp_path.iterdir())


def test_wav_to_a_named_pipe(tmp_path):
    """A pipe without suffix gets WAV."""
    fifo, received = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()))
    reader.start()
    audio.write(fifo, [chirp()], RATE, rescale=True)
    reader.join()
    assert len(soundfile.read(io.BytesIO(received[0]))[0]) == len(chirp())
