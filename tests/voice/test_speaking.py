"""Text in a voice: sentences, pauses, joints, options."""

import math

import pytest
import torch

from espnet2_decodec.tts import VoiceTTS
from espnet2_decodec.voice.default_voice import DEFAULT_VOICE
from espnet2_decodec.voice.speaking import PARAGRAPH_PAUSE, SENTENCE_PAUSE, split_text
from espnet2_decodec.voice.speech import synthesize
from tests.voices import vowels

TEXT = "Hello there. Hello!"


@pytest.fixture(scope="module")
def tts(text_model, voice_model, codec):
    """Text-to-speech with tiny models."""
    return VoiceTTS(text_model, voice_model, codec)


def test_a_text_is_split_into_sentences_with_pauses():
    sentences = split_text("Hello there. How are you?\n\nFine,\nthanks")
    assert [s.text for s in sentences] == ["Hello there.", "How are you?", "Fine, thanks."]
    assert [s.pause for s in sentences] == [SENTENCE_PAUSE, PARAGRAPH_PAUSE, 0.0]
    for text, message in (("", "no word"), ("?! ...", "no word"), ("Hello. Окна.", "cannot read")):
        with pytest.raises(ValueError, match=message):
            split_text(text)


def test_each_sentence_is_followed_by_its_pause(tts, prompt):
    parts = list(tts.speak(split_text(TEXT), prompt))
    assert len(parts) == 3 and len(parts[1].content) == round(SENTENCE_PAUSE * 50)
    assert not parts[1].coordinates.any() and torch.equal(parts[1].content[0], tts.text_model.codebook[3])


def test_sentences_are_synthesized_when_they_are_needed(tts, prompt):
    taken = []

    def sentences():
        for sentence in split_text("Hello. " * 50):
            taken.append(sentence)
            yield sentence

    blocks = tts.synthesize(tts.speak(sentences(), prompt))
    next(blocks)
    assert 0 < len(taken) < 50


def test_the_waveform_has_no_joints(tts, prompt, codec):
    """The sentences together are those one after the other, with silence between them."""
    parts = list(tts.speak(split_text(TEXT), prompt))
    wav = torch.cat(list(tts.synthesize(iter(parts))))
    assert len(wav) == codec.hop * sum(len(part.content) for part in parts)
    assert torch.allclose(wav, torch.cat(list(synthesize(codec, parts))), atol=1e-6)


def test_a_whole_output(tts):
    output = tts(TEXT, vowels(210, 2), background=0.1 * torch.randn(9000), background_snr=10.0)
    assert output.sample_rate == 16000 and torch.allclose(output.mix, output.speech + output.background)
    assert output.tokens.shape == (1, len(output.speech) // 320)
    power, under = (float(x.square().mean()) for x in (output.speech, output.background))
    assert 10 * math.log10(power / under) == pytest.approx(10, abs=0.01)
    assert torch.equal(tts(TEXT, vowels(210, 2)).speech, tts(TEXT, vowels(210, 2)).mix)


def test_seed_speed_and_pitch_range(tts):
    plain = tts(TEXT, vowels(210, 2))
    assert torch.equal(plain.speech, tts(TEXT, vowels(210, 2)).speech)
    assert not torch.equal(plain.speech, tts(TEXT, vowels(210, 2), seed=1).speech)
    assert len(tts(TEXT, vowels(210, 2), speed=2.0).speech) < 0.7 * len(plain.speech)
    assert not torch.equal(plain.speech, tts(TEXT, vowels(210, 2), pitch_range=0.0).speech)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 0.0}, "speed must be within"),
        ({"speed": math.nan}, "speed must be within"),
        ({"pitch_range": -1.0}, "pitch range must be within 0..3"),
        ({"style": "angry"}, "no style 'angry'"),
        ({"background_snr": 5.0}, "no background to set the level of"),
        ({"background": torch.zeros(9000), "background_snr": 5.0}, "has no background"),
        ({"prompt": torch.zeros(2, 9000)}, r"\[L\] with L >= 1"),
        ({"prompt": torch.zeros(9000)}, "is silent"),
    ],
)
def test_wrong_options_are_refused(tts, options, message):
    with pytest.raises(ValueError, match=message):
        tts(**{"text": TEXT, "prompt": vowels(210, 2), **options})


def test_codes_as_prompt_have_no_background(tts, codec):
    codes = codec.encode(vowels(210, 2)[None])
    assert tts(TEXT, codes).speech.any()
    with pytest.raises(ValueError, match="as a recording, not as codes"):
        tts(TEXT, codes, background="prompt")


def test_saved_models(models, tts):
    loaded = VoiceTTS.from_pretrained(models / "text", models / "voice")
    assert torch.allclose(loaded(TEXT, vowels(210, 2)).speech, tts(TEXT, vowels(210, 2)).speech, atol=1e-5)
    with pytest.raises(ValueError, match="is a voice model, but a text model is needed here"):
        VoiceTTS.from_pretrained(models / "voice", models / "voice")


def test_the_default_voice_is_in_the_package():
    assert DEFAULT_VOICE.is_file() and (DEFAULT_VOICE.with_suffix(".md")).is_file()
