"""Audio files are written atomically, and clipping is counted or avoided."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.io import audio, errors
from espnet2_decodec.io.audio import AudioWriter, write


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".WAV"])
def test_suffix_is_the_format(tmp_path, suffix):
    """A file written in blocks has the exact samples and length."""
    wav = 0.4 * torch.sin(torch.arange(20001) / 20)
    writer = write(tmp_path / "new" / f"a{suffix}", wav.split(777), 16000)
    read = audio.read(writer.path, 16000)
    assert len(read) == writer.samples == 20001
    assert torch.allclose(read, wav, atol=1e-4 if suffix != ".ogg" else 0.1)
    assert [p.name for p in writer.path.parent.iterdir()] == [f"a{suffix}"]


def test_clipping_is_counted(tmp_path):
    """Samples are clipped, not wrapped."""
    writer = write(tmp_path / "a.wav", [np.array([0.5, 1.5, -3.0])], 16000)
    assert writer.clipped == 2 and writer.peak == 3.0
    assert np.allclose(soundfile.read(writer.path)[0], [0.5, 1.0, -1.0], atol=1e-3)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_rescale_applies_one_gain(tmp_path, suffix):
    """The gain is the same for the whole file, and 1 if nothing would clip."""
    writer = write(tmp_path / f"a{suffix}", [np.array([0.5, 1.5]), np.array([-3.0])], 16000, rescale=True)
    assert writer.clipped == 0
    assert np.allclose(soundfile.read(writer.path)[0], np.array([0.5, 1.5, -3.0]) * 0.33, atol=1e-3)
    writer = write(tmp_path / f"b{suffix}", [np.array([0.5, -0.7])], 16000, rescale=True)
    assert np.allclose(soundfile.read(writer.path)[0], [0.5, -0.7], atol=1e-3)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("rescale", [False, True])
def test_failure_leaves_the_old_file(tmp_path, rescale):
    """After an exception the old file stays, without temporary files."""
    path = tmp_path / "a.wav"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        with AudioWriter(path, 16000, rescale) as writer:
            writer.write(np.zeros(10))
            raise RuntimeError
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_unknown_suffix(tmp_path):
    """The message lists the supported suffixes."""
    with pytest.raises(errors.UnknownSuffixError, match=r"one of .wav .flac .ogg"):
        AudioWriter(tmp_path / "a.mp3", 16000)
