"""Tokens as NumPy arrays."""

import numpy as np
import pytest
import torch

from espnet2_decodec.io import errors, npy
from espnet2_decodec.types import Codes


def test_round_trip(tmp_path):
    """Files are (T, K) int16; the tokens are equal and the length is in whole frames."""
    codes = Codes(torch.randint(1024, (1, 3, 7)), torch.randint(1024, (1, 0, 7)), torch.tensor([2000]), 16000)
    npy.save(tmp_path / "a.b", codes)
    speech = np.load(tmp_path / "a.b.speech.npy")
    assert speech.shape == (7, 3) and speech.dtype == np.int16
    for name in ("speech", "background"):
        loaded = npy.load(tmp_path / f"a.b.{name}.npy", 16000, 320)
        assert torch.equal(loaded.speech, codes.speech) and torch.equal(loaded.background, codes.background)
        assert loaded.lengths.tolist() == [7 * 320]


def test_one_error_for_each_kind(tmp_path):
    """Wrong names, missing files, other content, arrays of different lengths."""
    with pytest.raises(errors.TokenFileError, match="NAME.speech.npy"):
        npy.load(tmp_path / "a.npy", 16000, 320)
    with pytest.raises(errors.MissingFileError):
        npy.load(tmp_path / "a.speech.npy", 16000, 320)
    speech, background = npy.paths(tmp_path / "a")
    np.save(background, np.zeros((4, 2), np.int16))
    for content, message in ((b"hello", "not a .npy"), (b"", "not a .npy")):
        speech.write_bytes(content)
        with pytest.raises(errors.TokenFileError, match=message):
            npy.load(speech, 16000, 320)
    np.save(speech, np.zeros((4, 2), np.int16))
    whole = speech.read_bytes()
    for content, message in (
        (whole[:-1], "not a .npy file, or is cut off"),
        (whole + b"x", f"has {len(whole) + 1} bytes, and {len(whole)} by"),
    ):
        speech.write_bytes(content)
        with pytest.raises(errors.TokenFileError, match=message):
            npy.load(speech, 16000, 320)
    for array, message in (
        (np.zeros((4, 2)), "integers"),
        (np.zeros(4, int), "integers"),
        (np.zeros((5, 2), int), "different"),
        (np.array([{}]), "not a .npy"),
    ):
        np.save(speech, array)
        with pytest.raises(errors.TokenFileError, match=message):
            npy.load(speech, 16000, 320)
    large = Codes(torch.full((1, 1, 1), 40000), torch.zeros(1, 0, 1, dtype=torch.long), torch.tensor([1]), 16000)
    with pytest.raises(ValueError, match="beyond 32767"):
        npy.save(tmp_path / "b", large)
    batch = Codes(torch.zeros(2, 1, 1).long(), torch.zeros(2, 1, 1).long(), torch.ones(2).long(), 16000)
    with pytest.raises(ValueError, match="one recording"):
        npy.save(tmp_path / "b", batch)
