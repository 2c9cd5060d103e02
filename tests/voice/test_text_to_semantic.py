import re

import pytest
import torch

from espnet2_decodec.voice.text_model import TextModel, expand
from espnet2_decodec.voice.text_to_semantic import LEADING_SECONDS, MAX_WORDS, TextToSemantic, utterances

LEXICON = {"hello": "HH AH0 L OW1".split(), "world": "W ER1 L D".split(), **{c: ["EY1"] for c in "abcdefg"}}
SMALL = {
    "channels": 16,
    "phone_blocks": 1,
    "duration_blocks": 1,
    "frame_blocks": 1,
    "style_dim": 4,
    "codes": 8,
    "feature_dim": 5,
}


@pytest.fixture
def text():
    torch.manual_seed(0)
    model = TextToSemantic("en", ["native", "other"], 50.0, 3, SMALL, {"channels": 8, "blocks": 1}, LEXICON).eval()
    torch.nn.init.normal_(model.codebook)
    torch.nn.init.constant_(model.model.duration_predictor.out_proj.bias, 1.0)
    return model


def test_a_batch_gives_the_same_as_one_by_one():
    torch.manual_seed(0)
    model = TextModel(styles=2, **SMALL).eval()
    phones, lengths, style = torch.tensor([[1, 8, 9, 1], [1, 7, 1, 0]]), torch.tensor([4, 3]), torch.tensor([0, 1])
    hidden = model.encode(phones, lengths, style)
    durations = torch.tensor([[2.0, 1.5, 3.0, 1.5], [1.0, 2.0, 2.0, 0.0]])
    time = torch.arange(8)[None].expand(2, -1).contiguous()
    mask = (time < durations.sum(1, keepdim=True))[..., None].float()
    both, _ = model(hidden, durations, time, mask, style)
    alone = model.encode(phones[1:, :3], lengths[1:], style[1:])
    assert torch.allclose(alone, hidden[1:, :3], atol=1e-5)
    single, _ = model(alone, durations[1:, :3], time[1:, :5], mask[1:, :5], style[1:])
    assert torch.allclose(single, both[1:, :5], atol=1e-5)


def test_frames_have_the_phone_at_their_centre():
    hidden = torch.arange(3.0)[None, :, None]
    frames = expand(hidden, torch.tensor([[1.4, 0.2, 2.4]]), torch.arange(4)[None])
    assert frames[0, :, 0].tolist() == [0, 1, 2, 2]
    assert torch.allclose(frames[..., 1] + frames[..., 2], torch.ones(1, 4))


def test_features_are_at_first_expectations_over_the_codebook(text):
    torch.nn.init.constant_(text.model.frame_decoder.out_proj.weight[:8], 0.0)
    torch.nn.init.constant_(text.model.frame_decoder.out_proj.bias[:8], 0.0)
    output = text("Hello world.")
    assert output.embeddings.shape == (len(output.tokens), 5)
    mean = text.codebook.mean(0)
    assert torch.allclose(
        output.embeddings, (mean / mean.square().mean().sqrt()).expand_as(output.embeddings), atol=1e-4
    )


def test_speed_divides_the_length(text):
    slow, fast = (len(text("Hello hello world.", speed=speed).tokens) for speed in (0.5, 2.0))
    leading = round(LEADING_SECONDS * text.frame_rate)
    assert abs(slow - leading - 4 * (fast - leading)) <= 4


def test_sentences_are_separated_by_silence(text):
    both, first = text("Hello. World.").tokens, text("Hello.").tokens
    assert torch.equal(both[: len(first)], first)
    assert (both[len(first) :][:5] == text.silence).all()


def test_long_sentences_are_cut():
    parts = utterances("hello, " * 30 + "world " * 100)
    assert all(len(part.replace(",", " ,").replace(".", " .").split()) <= MAX_WORDS for part in parts)
    assert sum(part.count("world") for part in parts) == 100
    assert parts[-1].endswith(".")


@pytest.mark.parametrize("words", [MAX_WORDS, 2 * MAX_WORDS, 2000 * MAX_WORDS])
@pytest.mark.parametrize("mark", ["", ".", "!", ", and so on."])
def test_marks_stay_with_the_words_before_them(words, mark):
    """A sentence that is cut just before its mark has no part without words, however long it is."""
    parts = utterances("word " * (words - 1) + "word" + mark)
    assert all(part[0].isalpha() for part in parts)
    assert sum(len(re.findall("word", part)) for part in parts) == words
    assert parts[-1][-1] == (mark[-1:] or ".")


def test_saved_model_gives_the_same(text, tmp_path):
    text.save_pretrained(tmp_path / "model")
    loaded = TextToSemantic.from_pretrained(tmp_path / "model")
    assert torch.equal(loaded("Hello world.", style="other").embeddings, text("Hello world.", style="other").embeddings)
    assert loaded.lexicon == LEXICON


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": "..."}, "no word"),
        ({"text": "Привет"}, "cannot read these characters"),
        ({"text": "Hello", "speed": 9.0}, "within 0.4..2.5"),
        ({"text": "Hello", "style": "loud"}, "There is no style 'loud'; there are native, other"),
    ],
)
def test_what_cannot_be_said_is_refused(text, arguments, message):
    with pytest.raises(ValueError, match=message):
        text(**arguments)


def test_other_languages_are_refused():
    with pytest.raises(ValueError, match="must be one of en, not fr"):
        TextToSemantic("fr", ["native"], 50.0, 0, SMALL, {}, LEXICON)
