"""Segments: whole prompts where they fit, cut or looped without a click where they do not."""

import numpy as np
import pytest
import soundfile

from espnet2_decodec.data.kaldi import write_table
from espnet2_decodec.data.segments import SegmentSource

RATE = 16000


def source(folder, *wavs):
    for i, wav in enumerate(wavs):
        soundfile.write(folder / f"{i}.wav", wav, RATE)
    write_table(folder / "wav.scp", {f"u{i}": folder / f"{i}.wav" for i in range(len(wavs))})
    write_table(folder / "utt2spk", {f"u{i}": "a" for i in range(len(wavs))})
    return SegmentSource(folder, 0, RATE)


def tone(seconds, level=0.1):
    return level * np.sin(2 * np.pi * 200 * np.arange(int(seconds * RATE)) / RATE)


def test_prompts_are_kept_whole_and_take_turns(tmp_path):
    prompts = source(tmp_path, *[tone(s) for s in (0.5, 0.6, 0.7, 0.8, 5.0)])
    rng = np.random.default_rng(0)
    first, second = (prompts.speech("a", RATE, 3 * RATE, rng) for _ in range(2))
    assert first.whole and "u4" not in first.recordings + second.recordings
    assert RATE <= len(first.wav) <= 3 * RATE and len(set(first.recordings)) == len(first.recordings)


def test_a_long_prompt_is_cut(tmp_path):
    segment = source(tmp_path, tone(5.0)).speech("a", RATE, 2 * RATE, np.random.default_rng(0))
    assert len(segment.wav) == 2 * RATE and not segment.whole and segment.wav[-1] == 0


def test_a_short_background_loops_without_a_click(tmp_path):
    loop = source(tmp_path, tone(0.7)).background("a", 3 * RATE, np.random.default_rng(0))
    assert len(loop.wav) == 3 * RATE
    assert np.abs(np.diff(loop.wav)).max() < 2 * np.abs(np.diff(tone(0.7))).max()


def test_a_background_is_cut_where_it_is_active(tmp_path):
    wav = np.concatenate([tone(0.1), np.zeros(60 * RATE), tone(1.2), np.zeros(60 * RATE), tone(0.1)])
    backgrounds = source(tmp_path, wav)
    for seed in range(3):
        assert np.abs(backgrounds.background("a", 2 * RATE, np.random.default_rng(seed)).wav).max() > 0.09


def test_silent_recordings_are_skipped(tmp_path):
    quiet = source(tmp_path, np.zeros(RATE), tone(0.1), tone(1.0))
    assert {quiet.background("a", RATE // 2, np.random.default_rng(i)).recordings for i in range(3)} == {("u2",)}
    (tmp_path / "silent").mkdir()
    with pytest.raises(ValueError, match="no recording of a is active"):
        source(tmp_path / "silent", np.zeros(RATE)).speech("a", RATE, RATE, np.random.default_rng(0))


def test_classes_are_the_groups_where_there_are_any(tmp_path):
    assert source(tmp_path, tone(1.0), tone(1.0)).groups == ["a"]
    write_table(tmp_path / "utt2class", {"u0": "music", "u1": "effects"})
    assert SegmentSource(tmp_path, 0, RATE).groups == ["effects", "music"]
