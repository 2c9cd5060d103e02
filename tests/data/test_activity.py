"""Activity: pauses do not change the level, silence has none."""

import numpy as np
import pytest

from espnet2_decodec.data.activity import FRAME, active_frames, active_power, trim


def test_pauses_do_not_count():
    tone = np.sin(np.arange(10 * FRAME)) * 0.1
    padded = np.concatenate([np.zeros(20 * FRAME), tone, np.zeros(7)])
    assert active_power(padded) == pytest.approx(active_power(tone))
    assert active_frames(padded).sum() == 10 and len(active_frames(padded)) == 31


def test_silence_and_trimming():
    assert active_power(np.zeros(1000)) == 0 and not len(trim(np.zeros(1000))) and active_power(np.zeros(0)) == 0
    wav = np.concatenate([np.zeros(20 * FRAME), np.ones(3 * FRAME), np.zeros(20 * FRAME)])
    assert len(trim(wav)) == 7 * FRAME and len(trim(wav, 0)) == 3 * FRAME
