"""Data sets of text-to-speech and their prompts."""

import json

import numpy as np
import pytest
import torch

from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.levels import active_power
from espnet2_decodec.data.prompts import KINDS, PromptConfig, make_prompts
from espnet2_decodec.data.tts import TTSDataConfig, prepare_tts
from espnet2_decodec.io.audio import read


def test_splits_are_by_number_and_characters_are_of_training(tmp_path, write_dir):
    place = write_dir(tmp_path / "in", 21)
    prepare_tts([place, tmp_path], tmp_path / "out", TTSDataConfig())
    assert sorted(read_table(tmp_path / "out/test/text")) == ["x-00", "x-10", "x-20"]
    assert sorted(read_table(tmp_path / "out/dev/text")) == ["x-05"]
    assert len(read_table(tmp_path / "out/train/wav.scp")) == 17
    assert "".join(json.loads((tmp_path / "out/tokens.json").read_text())[3:]) == " !,abде"


@pytest.mark.parametrize("text", ["Room 7", "[noise]", "a" * 61, "..."])
def test_transcripts_that_cannot_be_pronounced_are_left_out(tmp_path, text, write_dir):
    good, bad = write_dir(tmp_path / "good", 21), write_dir(tmp_path / "bad", 30, text, speaker="y")
    assert "30 recordings skipped" in prepare_tts([good, bad], tmp_path / "out", TTSDataConfig())


def test_missing_speakers_are_an_error(tmp_path, write_dir):
    with pytest.raises(
        ValueError, match="0 transcribed recordings are too few: none is left for train and dev and test"
    ):
        prepare_tts([write_dir(tmp_path / "in", 21)], tmp_path / "out", TTSDataConfig(("nobody",)))


def test_prompts_are_of_others_at_the_snr(tmp_path, write_dir):
    test, sounds = write_dir(tmp_path / "test", 3), write_dir(tmp_path / "sounds", 2, speaker="s")
    assert make_prompts(test, sounds, tmp_path / "out", PromptConfig()) == 3
    clean, noisy, background, _ = (read(read_table(tmp_path / f"out/{kind}.scp")["x-00"], 16000) for kind in KINDS)
    assert torch.allclose(clean + background, noisy, atol=1e-4)
    assert 10 * np.log10(active_power(clean.numpy()) / active_power(background.numpy())) == pytest.approx(5, abs=0.1)
    others = torch.cat([read(test / f"x-0{i}.wav", 16000) for i in (1, 2)])
    assert torch.corrcoef(torch.stack([clean, others[: len(clean)]]))[0, 1] > 0.999
