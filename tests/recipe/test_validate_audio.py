"""The validation of data directories finds recordings that are cut off."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.kaldi import write_table

SCRIPT = Path(__file__).parents[2] / "egs2/decodec/utils/validate_data_dir.py"


def test_recordings_are_checked(tmp_path):
    spec = importlib.util.spec_from_file_location("validate_data_dir", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    path = tmp_path / "a.wav"
    write_table(tmp_path / "wav.scp", {"a": path})
    soundfile.write(path, np.full(16000, 0.1), 16000)
    assert script.check_audio(tmp_path, 16000) == 1 / 3600
    with pytest.raises(ValueError, match="1 channels at 16000 Hz, but mono at 8000 Hz"):
        script.check_audio(tmp_path, 8000)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="a cannot be read: .*100 bytes of the samples"):
        script.check_audio(tmp_path, 16000)
