"""A tiny saved model, and a function that runs the command on it."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec import DeCodec, progress
from espnet2_decodec.cli import main
from espnet2_decodec.codec.config import TINY


@pytest.fixture(scope="session")
def codec():
    """A tiny codec with random weights."""
    torch.manual_seed(0)
    return DeCodec.from_config(TINY).eval()


@pytest.fixture(scope="session")
def model(codec, tmp_path_factory):
    """Its folder."""
    folder = tmp_path_factory.mktemp("model")
    codec.save_pretrained(folder)
    return folder


@pytest.fixture
def run(model, capsys, monkeypatch):
    """Function that runs a command on the tiny model -> (exit code, stdout, lines of stderr)."""

    monkeypatch.setattr(progress, "FIRST_LINE", 3600.0)  # no progress lines on slow machines

    def call(command, *arguments, with_model=True):
        options = ["--model", model, "--device", "cpu"] if with_model else []
        code = main([command, *map(str, options), *map(str, arguments)])
        output = capsys.readouterr()
        return code, output.out, output.err.splitlines()

    return call


@pytest.fixture
def make_wav(tmp_path):
    """Function that writes a file with noise -> its path."""

    def make(name, samples=5000, rate=16000, channels=1):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(samples).normal(size=(samples, channels)) * 0.1
        soundfile.write(path, noise, rate)
        return path

    return make
