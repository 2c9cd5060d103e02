"""The model on a tiny codec: coordinates, saving, training on a handful of frames."""

import json

import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.tts.coordinates import Coordinates
from espnet2_decodec.tts.saving import load, save


def test_coordinates_of_tokens_lead_back_to_the_tokens(synthesizer):
    coordinates = synthesizer.coordinates
    assert (coordinates.levels, coordinates.dim, coordinates.first, coordinates.voicing) == (3, 6, 4, 5)
    first = torch.randint(16, (2, 30, 1))
    assert torch.equal(coordinates.tokens(coordinates.look_up(first, 1), 1), first)
    assert coordinates.tokens(torch.randn(2, 7, 6)).shape == (2, 7, 3)


def test_a_codec_without_a_vocoder_gives_its_first_level():
    coordinates = Coordinates(DeCodec.from_config(TINY))
    assert (coordinates.levels, coordinates.dim, coordinates.first, coordinates.voicing) == (1, 8, 8, None)


def test_too_few_levels_are_refused(synthesizer):
    with pytest.raises(ValueError, match="2 speech levels are too few"):
        synthesizer.coordinates.look_up(torch.zeros(1, 5, 2, dtype=torch.long))


def test_the_codec_stays_frozen(synthesizer):
    synthesizer.train()
    assert not synthesizer.codec.training
    assert not any(p.requires_grad for p in synthesizer.codec.parameters())
    synthesizer.eval()


def test_a_saved_model_says_the_same(synthesizer, tmp_path):
    save(synthesizer, tmp_path)
    prompt = torch.randint(16, (40, 4))
    tokens = synthesizer("abc де.", prompt)
    assert tokens.shape[0] == 3 and 0 <= int(tokens.min()) and int(tokens.max()) < 16
    assert torch.equal(load(tmp_path)("abc де.", prompt), tokens)


def test_speed_changes_the_length(synthesizer):
    prompt = torch.randint(16, (40, 4))
    slow, fast = (synthesizer("abc де.", prompt, speed).shape[1] for speed in (0.5, 2.0))
    assert 3 < slow / fast < 5
    with pytest.raises(ValueError, match="speed must be within"):
        synthesizer("abc", prompt, 0)


def test_broken_folders_are_refused(synthesizer, tmp_path):
    with pytest.raises(FileNotFoundError, match="config.json"):
        load(tmp_path)
    save(synthesizer, tmp_path)
    content = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**content, "kind": "espnet2_decodec"}))
    with pytest.raises(ValueError, match="not that of a text-to-speech model"):
        load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**content, "options": {**content["options"], "channels": 8}}))
    with pytest.raises(ValueError, match="do not belong"):
        load(tmp_path)


def test_alignment_and_coordinates_are_learned():
    """Each of four letters sounds like one token, for a while: after some steps the model knows which, and for how long."""
    pytest.importorskip("espnet2", reason="ESPnet is not installed: pip install '.[recipe]'")
    from espnet2_decodec.data.text import CharacterTokenizer
    from espnet2_decodec.espnet.tts_objective import Objective
    from espnet2_decodec.tts.synthesizer import Synthesizer

    torch.manual_seed(0)
    codec = DeCodec.from_config(TINY)
    model = Synthesizer(
        list(CharacterTokenizer.from_texts(["abcd"]).tokens), codec, {"channels": 32, "dropout": 0.0, "kernel": 3}
    )
    model.coordinates.normalize_by(torch.zeros(8), codec.speech_quantizer.codebooks[0].std(0))
    objective = Objective(model, binarize_after=20, window=None).train()
    optimizer = torch.optim.Adam([p for p in objective.parameters() if p.requires_grad], 3e-3)
    lasting = {"a": 2, "b": 5, "c": 3, "d": 7}
    words = ["abcd", "dcba", "bdac", "cadb", "dabc", "acbd"]
    encoded = [model.characters.encode(word) for word in words]
    frames = [[0] * 3 + [1 + "abcd".index(c) for c in word for _ in range(lasting[c])] + [0] * 3 for word in words]
    text, codes = torch.tensor(encoded), torch.tensor(frames)[..., None].expand(-1, -1, 3).contiguous()
    lengths = torch.full((6,), codes.shape[1])
    text_lengths = torch.full((6,), text.shape[1])
    for _ in range(120):
        losses = objective(text, text_lengths, codes, lengths, codes, lengths)
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    said = model.eval()("bcda", codes[0])
    wanted = [0] * 3 + [2] * 5 + [3] * 3 + [4] * 7 + [1] * 2 + [0] * 3
    assert said.shape[1] == len(wanted)
    assert (said[0] == torch.tensor(wanted)).float().mean() > 0.8
