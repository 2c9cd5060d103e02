"""Samples have full scale at 1 in every format, and levels far beyond it are refused."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.codec.validation import as_wav
from espnet2_decodec.io import audio, errors

from .conftest import RATE, chirp

FLOATS = ["wav_float", "wav_double", "aiff_float", "caf_float"]


@pytest.mark.parametrize("kind", FLOATS)
def test_integers_stored_as_floats_are_refused(make, kind):
    """The message names the file, the peak and the remedy."""
    path = make(kind, 32768 * chirp())
    with pytest.raises(errors.AudioLevelError, match=r"samples up to 98\d\d.*far beyond full scale.*divided by 32768"):
        audio.read(path, RATE)


@pytest.mark.parametrize("kind", FLOATS)
def test_a_little_beyond_full_scale_is_kept(make, kind):
    """Floats up to 4 keep their values."""
    assert np.allclose(audio.read(make(kind, 10 * chirp()), RATE), 10 * chirp(), atol=1e-5)


@pytest.mark.parametrize("peak", [4.0, 4.01])
def test_files_and_tensors_have_one_limit(make, peak):
    """12 dB beyond full scale."""
    wav = (peak * chirp() / np.abs(chirp()).max()).astype(np.float32)
    path = make("wav_float", wav)
    if peak == 4.0:
        assert torch.equal(as_wav(wav), torch.from_numpy(wav)) and len(audio.read(path, RATE)) == len(wav)
        return
    for call in (lambda: as_wav(wav), lambda: audio.read(path, RATE)):
        with pytest.raises(ValueError, match=r"samples up to 4\.01.*full scale"):
            call()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_full_scale_is_one(tmp_path, subtype):
    """Also for FFmpeg's integers of 8 to 32 bits: the same file joined with itself is read in parts."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0.5, -0.5, -1.0, 0.0] * 50), RATE, subtype=subtype)
    assert np.allclose(audio.read(path)[:4], [0.5, -0.5, -1.0, 0.0], atol=0.01)
