"""Overlapping codebooks of the parametric levels: the program, and what it leaves as it was."""

import sys

import numpy as np
import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC, merge_config
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.codec.overlapping_quantizer import OverlappingRVQ
from research.tokens import overlapping_codebooks


def test_the_program_replaces_the_parametric_codebooks_alone(tmp_path, write_banks, monkeypatch, capsys):
    torch.manual_seed(0)
    base = DeCodec(merge_config(TINY_SEMANTIC, {"quantizer": {"parametric_frames": 1}})).eval()
    base.save_pretrained(tmp_path / "base")
    bank = write_banks(("speech_train", "noise_train", "music_train", "speech_dev"), "source")
    options = ["--start", tmp_path / "base", "--bank", bank, "--out", tmp_path / "new", "--frames", 3]
    monkeypatch.setattr(sys, "argv", ["", *map(str, options), "--batches", "2", "--steps", "20"])
    overlapping_codebooks.main()
    assert "held out: -" in capsys.readouterr().out
    codec, wav = DeCodec.from_pretrained(tmp_path / "new"), 0.1 * torch.randn(1, 8000)
    assert isinstance(codec.speech_quantizer.parametric, OverlappingRVQ)
    old, new = base.encode(wav), codec.encode(wav)
    assert torch.equal(old.semantic, new.semantic) and torch.equal(old.background, new.background)
    weights = codec.state_dict()
    for name, value in base.state_dict().items():
        assert name.startswith("speech_quantizer.parametric.") or torch.allclose(value, weights[name], atol=1e-3)


def test_training_lowers_the_error_of_unseen_segments():
    torch.manual_seed(0)
    sequences = torch.randn(41, 1008, 4).unfold(1, 9, 1).mean(-1)
    seen, unseen = sequences[:40].contiguous(), sequences[40:]
    quantizer, errors = OverlappingRVQ(4, 2, 16, 3), []
    for steps in (0, 60):
        torch.manual_seed(1)
        overlapping_codebooks.train_codebooks(quantizer, seen, steps, np.random.default_rng(0))
        errors.append(overlapping_codebooks.error_db(unseen, quantizer.search(unseen, 2)[2]))
    assert errors[1] < errors[0]
    assert quantizer.patches.ema_decay == 0.998
