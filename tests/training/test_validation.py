"""Validation scores: their keys and values, and that the codec is not changed."""

import math

import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.training.validation import validation_scores


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return 0.1 * torch.randn(3, 3000), 0.05 * torch.randn(3, 3000)


def test_scores_of_a_codec(batch):
    codec = DeCodec.from_config(TINY).train()
    before = {name: value.clone() for name, value in codec.state_dict().items()}
    scores = validation_scores(codec, *batch)
    assert all(math.isfinite(value) for value in scores.values())
    assert scores["input_si_sdr"] == pytest.approx(6.0, abs=0.7)
    improvement = scores["speech_si_sdr"] - scores["input_si_sdr"]
    assert scores["speech_si_sdr_improvement"] == pytest.approx(improvement, abs=1e-6)
    assert codec.training
    assert all(torch.equal(before[name], value) for name, value in codec.state_dict().items())


def test_items_without_speech_are_left_out(batch):
    speech, background = batch
    codec = DeCodec.from_config(TINY)
    fewer = validation_scores(codec, speech[:2], background[:2])
    speech[2] = 0
    scores = validation_scores(codec, speech, background)
    for name in (
        "input_si_sdr",
        "speech_si_sdr",
        "speech_si_sdr_unquantized",
        "ceiling_si_sdr",
        "speech_in_background",
    ):
        assert scores[name] == pytest.approx(fewer[name], abs=1e-3)
    nothing = validation_scores(codec, torch.zeros_like(speech), background)
    assert math.isnan(nothing["speech_si_sdr"]) and math.isfinite(nothing["background_si_sdr"])


def test_shapes_must_agree(batch):
    with pytest.raises(ValueError, match="must both be"):
        validation_scores(DeCodec.from_config(TINY), batch[0], batch[1][:, :100])
