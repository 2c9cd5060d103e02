"""The gate of the codec in the package on quiet recordings: speech is kept, leakage and digital silence are omitted."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2_decodec.cli import main
from espnet2_decodec.io.dcd import Reader

RECORDING = Path(__file__).parents[2] / "local/mini/audio/asterisk_en/vm-tempgreetinactive.flac"
if not RECORDING.exists():
    RECORDING = sorted((Path(__file__).parents[2] / "local/mini/audio/asterisk_en").glob("*.flac"))[-1]


def encode(folder, wav, rate=16000):
    soundfile.write(folder / "a.wav", wav, rate, subtype="FLOAT")
    assert main(["encode", str(folder / "a.wav"), "-o", str(folder / "a.dcd"), "--device", "cpu", "-q", "-f"]) == 0
    return Reader(folder / "a.dcd").info


@pytest.mark.slow
def test_quiet_speech_is_kept(tmp_path):
    wav, rate = soundfile.read(RECORDING)
    wav = wav[: 2 * rate]
    for gain in (0, -10, -20, -30, -40, -50):
        info = encode(tmp_path, wav * 10 ** (gain / 20), rate)
        assert all(info.speech), gain
        if gain >= -10:
            assert sum(info.background) < len(info.background)  # the background of clean speech costs next to nothing


def test_digital_silence_costs_nothing(tmp_path):
    info = encode(tmp_path, np.zeros(32000))
    assert not any(info.speech) and not any(info.background)
