"""A tiny codec, uploads, and the functions of the page."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.app.actions import Actions
from espnet2_decodec.app.files import TemporaryFiles

MAX_SECONDS = 3.0


@pytest.fixture
def files(tmp_path):
    """Folder of uploads and results."""
    (tmp_path / "root").mkdir()
    return TemporaryFiles(tmp_path / "root")


@pytest.fixture
def actions(vocoder_codec, files):
    """The functions of the page, without text to speech."""
    return Actions(vocoder_codec, files, MAX_SECONDS)


@pytest.fixture(scope="session")
def write_noise():
    """Function that writes a file of noise -> its path as text."""

    def write(path, seconds=1.0, rate=16000, level=0.1):
        path.parent.mkdir(exist_ok=True, parents=True)
        soundfile.write(path, level * np.random.default_rng(0).standard_normal(int(seconds * rate)), rate)
        return str(path)

    return write


@pytest.fixture
def upload(files, write_noise):
    """Function that writes an uploaded file of noise -> its path as text."""
    return lambda name="a.wav", **options: write_noise(files.root / "upload" / name, **options)
